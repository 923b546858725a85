//! Accidents with a phone's Signal sessions.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use functions::{error::Problem, extract::JsonBody};
use serde::{Deserialize, Serialize};

use super::{known_numbers, phone_number};
use crate::whatsapp::{Sandbox, phone};

/// Which sessions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Those with all devices of these numbers; all when absent.
    with: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
pub struct Forgotten {
    /// How many sessions there were.
    forgotten: usize,
}

/// `POST /sandbox/phones/{number}/forget-sessions`: what was sealed for them does not open any more, and the phone asks
/// for it again.
pub async fn forget(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(Which { with }): JsonBody<Which>,
) -> Result<Json<Forgotten>, Problem> {
    sandbox
        .apply_saved(|tx| {
            let number = phone_number(tx, &number)?;
            let with = with.as_deref().map(|with| known_numbers(tx, "with", with)).transpose()?;
            Ok(Json(Forgotten { forgotten: phone::forget_sessions(tx, &number, with.as_deref()) }))
        })
        .await
}
