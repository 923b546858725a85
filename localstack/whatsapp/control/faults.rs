//! Setting faults.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use functions::{error::Problem, extract::JsonBody};
use serde::Serialize;
use serde_json::Value;

use super::new_fault;
use crate::whatsapp::{
    Sandbox,
    faults::{Armed, DropMoment, Fault},
    login,
    node::node,
    state::{ConnectionId, Tx},
};

/// What a call has set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Those that still wait for their occasion, of this and earlier calls.
    items: Vec<Armed>,
    /// How many connections were struck at once.
    struck: usize,
}

/// `POST /sandbox/faults`: strikes at once, or arms for the next occasion.
pub async fn arm(
    State(sandbox): State<Arc<Sandbox>>,
    JsonBody(wish): JsonBody<Value>,
) -> Result<(StatusCode, Json<Outcome>), Problem> {
    let faults = new_fault::read(&wish)?;
    let outcome = sandbox.apply(|tx| {
        let mut struck = 0;
        for fault in faults {
            if fault.fault.is_immediate() {
                struck += strike(tx, &fault);
            } else {
                tx.world.faults.arm(fault);
            }
        }
        Outcome { items: tx.world.faults.list().to_vec(), struck }
    });
    Ok((StatusCode::CREATED, Json(outcome)))
}

fn strike(tx: &mut Tx<'_>, armed: &Armed) -> usize {
    let open: Vec<ConnectionId> = tx
        .world
        .connections
        .iter()
        .filter(|(_, connection)| match (&armed.number, &connection.client) {
            (Some(only), Some(client)) => *only == client.number,
            (Some(_), None) => false,
            (None, _) => true,
        })
        .map(|(id, _)| *id)
        .collect();
    for connection in &open {
        match &armed.fault {
            Fault::DropSockets { when: DropMoment::Now } => tx.cut(*connection),
            Fault::ReplaceStream => login::end_stream(tx, *connection, login::conflict("replaced")),
            _ => login::end_stream(tx, *connection, node("stream:error").attr("code", 429).build()),
        }
    }
    open.len()
}

#[derive(Debug, Serialize)]
pub struct Faults {
    items: Vec<Armed>,
}

/// `GET /sandbox/faults`: those that wait for their occasion.
pub async fn list(State(sandbox): State<Arc<Sandbox>>) -> Json<Faults> {
    Json(Faults { items: sandbox.apply(|tx| tx.world.faults.list().to_vec()) })
}

/// `DELETE /sandbox/faults`: forgets them all.
pub async fn clear(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.apply(|tx| tx.world.faults.clear());
    StatusCode::NO_CONTENT
}
