//! Phones: making and seeing them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use functions::{error::Problem, extract::JsonBody};
use serde::{Deserialize, Serialize};
use shared::clock::Timestamp;

use super::phone_number;
use crate::whatsapp::{
    Sandbox,
    address::{Addressing, digits},
    phone,
    state::{Account, Companion},
};

/// A wish for a phone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPhone {
    number: String,
    name: String,
    #[serde(default)]
    addressing: Addressing,
}

/// A phone as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phone {
    number: String,
    lid: String,
    name: String,
    addressing: Addressing,
    links: Vec<Link>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    n: u32,
    platform: String,
    connected: bool,
    linked_at: Timestamp,
    /// How many of its one-time keys are still to be given out.
    one_time_keys: usize,
}

impl Phone {
    fn of(account: &Account) -> Self {
        Self {
            number: account.row.number.clone(),
            lid: account.row.lid.clone(),
            name: account.row.name.clone(),
            addressing: account.addressing(),
            links: account.companions.values().map(Link::of).collect(),
        }
    }
}

impl Link {
    fn of(companion: &Companion) -> Self {
        Self {
            n: companion.row.device,
            platform: companion.row.platform.clone(),
            connected: companion.online.is_some(),
            linked_at: Timestamp::from_unix_millis(companion.row.linked_at),
            one_time_keys: companion.pool.len(),
        }
    }
}

/// `POST /sandbox/phones`: 201 with a new phone, 200 with the one that has the number.
pub async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    JsonBody(wish): JsonBody<NewPhone>,
) -> Result<(StatusCode, Json<Phone>), Problem> {
    let number = digits(&wish.number).ok_or_else(|| {
        Problem::invalid("number", "phone_invalid", "an E.164 number is wanted, like +6281234567890")
    })?;
    let outcome = sandbox
        .apply_saved(|tx| {
            let mut status = StatusCode::OK;
            if !tx.world.accounts.contains_key(&number) {
                phone::create(tx, &number, &wish.name, wish.addressing)?;
                status = StatusCode::CREATED;
            }
            Ok((status, tx.world.accounts.get(&number).map(Phone::of)))
        })
        .await;
    match outcome {
        Ok((status, Some(phone))) => Ok((status, Json(phone))),
        Ok((_, None)) => Err(super::no_phone(&wish.number)),
        Err(error) => Err(internal(&error)),
    }
}

fn internal(error: &crate::whatsapp::SandboxError) -> Problem {
    tracing::error!(%error, "a phone cannot be made");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the phone cannot be made")
}

/// A list of phones.
#[derive(Debug, Serialize)]
pub struct Phones {
    items: Vec<Phone>,
}

/// `GET /sandbox/phones`, in the order of their numbers.
pub async fn list(State(sandbox): State<Arc<Sandbox>>) -> Json<Phones> {
    let mut items = sandbox.apply(|tx| tx.world.accounts.values().map(Phone::of).collect::<Vec<_>>());
    items.sort_by(|a, b| a.number.cmp(&b.number));
    Json(Phones { items })
}

/// `GET /sandbox/phones/{number}`.
pub async fn one(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
) -> Result<Json<Phone>, Problem> {
    sandbox.apply(|tx| {
        let number = phone_number(tx, &number)?;
        let account = tx.world.accounts.get(&number).ok_or_else(|| super::no_phone(&number))?;
        Ok(Json(Phone::of(account)))
    })
}
