//! Linking and unlinking clients.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use functions::{error::Problem, extract::JsonBody};
use serde::Deserialize;
use tokio::{sync::oneshot, time::timeout};

use super::{no_phone, phone_number};
use crate::whatsapp::{
    Sandbox,
    address::Address,
    pairing::{
        self, LinkFailure, Linked, Waiter, code,
        qr::{self, QrCode},
    },
};

/// How long a client may take to answer the phone.
const LINK_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    qr: String,
}

/// `POST /sandbox/phones/{number}/scan`: the phone scans a QR code. Answers after the client is
/// linked.
pub async fn scan(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(scan): JsonBody<Scan>,
) -> Result<Json<Linked>, Problem> {
    let number = sandbox.apply(|tx| phone_number(tx, &number))?;
    let qr = QrCode::parse(&scan.qr)
        .ok_or_else(|| Problem::invalid("qr", "qr_invalid", "this is not the text of a linking QR code"))?;
    let (waiter, linked) = Waiter::new();
    sandbox.apply(|tx| qr::scan(tx, &number, &qr, waiter));
    outcome(&sandbox, linked).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCode {
    code: String,
}

/// `POST /sandbox/phones/{number}/link-code`: a person types the code that a client shows.
pub async fn link_code(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(typed): JsonBody<LinkCode>,
) -> Result<Json<Linked>, Problem> {
    let number = sandbox.apply(|tx| phone_number(tx, &number))?;
    let code = code::normalise(&typed.code).ok_or_else(|| {
        Problem::invalid("code", "code_invalid", "a code has eight letters and digits, like ABCD-1234")
    })?;
    let (connection, wrapped) = sandbox.apply(|tx| code::find(tx, &number)).map_err(problem)?;
    let typed = tokio::task::spawn_blocking(move || code::type_code(&code, &wrapped)).await;
    let typed = typed.ok().and_then(Result::ok).ok_or_else(|| problem(LinkFailure::WrongCode))?;
    let (waiter, linked) = Waiter::new();
    sandbox.apply(|tx| code::primary_hello(tx, connection, typed, waiter));
    outcome(&sandbox, linked).await
}

async fn outcome(
    sandbox: &Sandbox,
    linked: oneshot::Receiver<Result<Linked, LinkFailure>>,
) -> Result<Json<Linked>, Problem> {
    match timeout(LINK_TIMEOUT, linked).await {
        Ok(Ok(Ok(linked))) => {
            sandbox.apply_saved(|_| ()).await;
            Ok(Json(linked))
        }
        Ok(Ok(Err(failure))) => Err(problem(failure)),
        Ok(Err(_)) => Err(problem(LinkFailure::Expired)),
        Err(_) => Err(Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "client_silent",
            "the client did not answer the phone in time",
        )),
    }
}

fn problem(failure: LinkFailure) -> Problem {
    let (status, code, detail) = match failure {
        LinkFailure::UnknownReference => {
            (StatusCode::NOT_FOUND, "link_unknown", "no client waits to be linked like that")
        }
        LinkFailure::Expired => {
            (StatusCode::CONFLICT, "link_expired", "the code is too old or used, or its client has gone")
        }
        LinkFailure::Busy => (StatusCode::CONFLICT, "link_busy", "the client is being linked already"),
        LinkFailure::ForeignKeys => {
            return Problem::invalid("qr", "qr_forged", "the keys are not those of the client that waits");
        }
        LinkFailure::WrongCode => {
            return Problem::invalid("code", "code_wrong", "this is not the code that the client shows");
        }
        LinkFailure::Refused => {
            (StatusCode::CONFLICT, "link_refused", "the client did not accept the link, or signed it wrongly")
        }
        LinkFailure::NoPhone => (StatusCode::NOT_FOUND, "phone_not_found", "no phone has that number"),
    };
    Problem::new(status, code, detail)
}

/// `DELETE /sandbox/phones/{number}/links/{n}`: the phone unlinks a client.
pub async fn unlink(
    State(sandbox): State<Arc<Sandbox>>,
    Path((number, n)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    sandbox
        .apply_saved(|tx| {
            let number = phone_number(tx, &number).map_err(|_| no_phone(&number))?;
            let device = n.parse().ok().filter(|device| *device != 0);
            let gone = device.is_some_and(|device| pairing::unlink(tx, &Address::new(number, device)));
            if gone {
                Ok(StatusCode::NO_CONTENT)
            } else {
                let detail = format!("the phone has no link {n}");
                Err(Problem::new(StatusCode::NOT_FOUND, "link_not_found", detail))
            }
        })
        .await
}
