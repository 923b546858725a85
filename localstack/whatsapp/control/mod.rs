//! The control API, under `/sandbox`: a person, a test or a CI job plays the phone.
#![allow(clippy::result_large_err, reason = "a refusal is the answer itself, and these calls are rare")]

mod faults;
mod groups;
mod info;
mod links;
mod messages;
mod new_fault;
mod phones;
mod sessions;
mod sockets;

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    routing::{delete, get, post},
};
use functions::error::Problem;

use super::{Sandbox, address::digits, state::Tx};

/// All routes.
pub fn router(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .route("/sandbox/phones", post(phones::create).get(phones::list))
        .route("/sandbox/phones/{number}", get(phones::one))
        .route("/sandbox/phones/{number}/scan", post(links::scan))
        .route("/sandbox/phones/{number}/link-code", post(links::link_code))
        .route("/sandbox/phones/{number}/links/{n}", delete(links::unlink))
        .route("/sandbox/phones/{number}/messages", post(messages::send).get(messages::list))
        .route("/sandbox/phones/{number}/read", post(messages::read))
        .route("/sandbox/phones/{number}/receipts", post(messages::forge_receipts))
        .route("/sandbox/phones/{number}/groups", post(groups::create))
        .route("/sandbox/phones/{number}/forget-sessions", post(sessions::forget))
        .route("/sandbox/phones/{number}/sockets", get(sockets::list))
        .route("/sandbox/faults", post(faults::arm).get(faults::list).delete(faults::clear))
        .route("/sandbox/root-key", get(info::root_key))
        .route("/sandbox/stats", get(info::stats))
        .with_state(sandbox)
}

fn no_phone(number: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "phone_not_found", format!("no phone has the number {number}"))
}

/// The number in a path, when a phone has it.
fn phone_number(tx: &Tx<'_>, path: &str) -> Result<String, Problem> {
    let number = digits(path).ok_or_else(|| no_phone(path))?;
    if tx.world.accounts.contains_key(&number) { Ok(number) } else { Err(no_phone(path)) }
}

/// The numbers of a list in a body, when phones have all of them.
fn known_numbers(tx: &Tx<'_>, field: &str, listed: &[String]) -> Result<Vec<String>, Problem> {
    let each = listed.iter().enumerate().map(|(n, number)| {
        let known = digits(number).filter(|number| tx.world.accounts.contains_key(number));
        known.ok_or_else(|| {
            Problem::invalid(
                format!("{field}[{n}]"),
                "phone_unknown",
                format!("nobody has the number {number}"),
            )
        })
    });
    each.collect()
}
