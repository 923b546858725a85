//! Groups that people make on their phones.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use functions::{error::Problem, extract::JsonBody};
use serde::{Deserialize, Serialize};

use super::phone_number;
use crate::whatsapp::{Sandbox, address::Address, stanza::groups};

/// A wish for a group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    subject: String,
    /// Numbers of phones; the first makes the group.
    members: Vec<String>,
}

/// A group as it is shown.
#[derive(Debug, Serialize)]
pub struct Group {
    /// Its JID.
    id: String,
    members: Vec<String>,
}

/// `POST /sandbox/groups`: 201 with the group.
pub async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    JsonBody(wish): JsonBody<NewGroup>,
) -> Result<(StatusCode, Json<Group>), Problem> {
    sandbox
        .apply_saved(|tx| {
            let members = wish.members.iter().map(|number| phone_number(tx, number));
            let members = members.collect::<Result<Vec<_>, _>>()?;
            let Some(first) = members.first() else {
                return Err(Problem::invalid("members", "empty", "somebody must make the group"));
            };
            let id = groups::make(tx, &Address::new(first.as_str(), 0), wish.subject, members.clone());
            Ok((StatusCode::CREATED, Json(Group { id: id.to_string(), members })))
        })
        .await
}
