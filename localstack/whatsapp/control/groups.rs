//! Groups that phones make.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use functions::{error::Problem, extract::JsonBody};
use serde::{Deserialize, Serialize};

use super::{known_numbers, phone_number};
use crate::whatsapp::{
    Sandbox,
    address::{Address, group_jid},
    groups,
};

/// A wish for a group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    subject: String,
    /// The numbers of the others.
    members: Vec<String>,
}

/// A group as it is shown.
#[derive(Debug, Serialize)]
pub struct Group {
    /// What messages are sent to.
    jid: String,
    subject: String,
    /// Numbers, digits only; the first is the creator's.
    members: Vec<String>,
}

/// `POST /sandbox/phones/{number}/groups`: the phone makes a group.
pub async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(NewGroup { subject, members }): JsonBody<NewGroup>,
) -> Result<(StatusCode, Json<Group>), Problem> {
    if subject.trim().is_empty() {
        return Err(Problem::invalid("subject", "empty", "a subject has at least one character"));
    }
    sandbox
        .apply_saved(|tx| {
            let number = phone_number(tx, &number)?;
            let others = known_numbers(tx, "members", &members)?;
            let group = groups::create(tx, &Address::new(number, 0), &subject, &others);
            let jid = group_jid(&group.id).to_string();
            Ok((StatusCode::CREATED, Json(Group { jid, subject: group.subject, members: group.members })))
        })
        .await
}
