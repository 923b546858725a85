//! What phones send, receive and read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use functions::{error::Problem, extract::JsonBody};
use serde::{Deserialize, Serialize};
use shared::clock::Timestamp;

use super::phone_number;
use crate::whatsapp::{
    Sandbox,
    phone::{self, SendFailure},
    state::{
        Account,
        rows::{MessageRow, Status},
    },
};

/// A text to be sent.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum NewMessage {
    Text {
        to: String,
        text: Text,
        /// The message's id, when it is not for the phone to choose.
        id: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Text {
    body: String,
}

/// A message as its phone shows it. Everything that is a number is digits only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    id: String,
    direction: &'static str,
    from: String,
    from_lid: String,
    /// A number, or the JID of a group.
    to: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    timestamp: Timestamp,
    status: &'static str,
    sender_device: u32,
    /// How many times it arrived.
    copies: u32,
}

impl Message {
    fn of(account: &Account, row: &MessageRow) -> Self {
        let own = row.outgoing.then(|| account.row.lid.clone());
        Self {
            id: row.id.clone(),
            direction: if row.outgoing { "outgoing" } else { "incoming" },
            from: row.from.clone(),
            from_lid: own.unwrap_or_else(|| row.from_lid.clone()),
            to: row.to.clone(),
            kind: row.kind.clone(),
            text: row.body.clone().map(|body| Text { body }),
            timestamp: Timestamp::from_unix_millis(row.timestamp),
            status: match row.status() {
                Status::Sent => "sent",
                Status::Delivered => "delivered",
                Status::Read => "read",
            },
            sender_device: row.from_device,
            copies: row.copies,
        }
    }
}

/// `POST /sandbox/phones/{number}/messages`: the phone sends.
pub async fn send(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(NewMessage::Text { to, text, id }): JsonBody<NewMessage>,
) -> Result<(StatusCode, Json<Message>), Problem> {
    if text.body.is_empty() {
        return Err(Problem::invalid("text.body", "empty", "a text has at least one character"));
    }
    sandbox
        .apply_saved(|tx| {
            let number = phone_number(tx, &number)?;
            let position = phone::send_text(tx, &number, &to, &text.body, id)
                .map_err(|failure| refusal(failure, &to))?;
            // It may have been answered within the change: what is shown is how it stands now.
            phone::drain_inbox(tx);
            let account = tx.world.accounts.get(&number).ok_or_else(|| super::no_phone(&number))?;
            let row = account.phone.messages.get(position);
            let row = row.ok_or_else(|| refusal(SendFailure::Sealing, &to))?;
            Ok((StatusCode::CREATED, Json(Message::of(account, row))))
        })
        .await
}

fn refusal(failure: SendFailure, to: &str) -> Problem {
    match failure {
        SendFailure::BadReceiver => {
            Problem::invalid("to", "phone_invalid", "a number or the JID of a person or a group is wanted")
        }
        SendFailure::UnknownReceiver => {
            Problem::invalid("to", "phone_unknown", format!("nobody has the number {to}"))
        }
        SendFailure::NoMember => {
            Problem::invalid("to", "group_unknown", format!("the phone is in no group {to}"))
        }
        SendFailure::Sealing => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the message cannot be sent")
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct After {
    after: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Messages {
    items: Vec<Message>,
}

/// `GET /sandbox/phones/{number}/messages`, oldest first; with `after` only those behind that id.
pub async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    Query(After { after }): Query<After>,
) -> Result<Json<Messages>, Problem> {
    // What is shown here survives, so that nobody sees a message that a crash takes back.
    let list = sandbox.apply_saved(|tx| {
        let number = phone_number(tx, &number)?;
        let account = tx.world.accounts.get(&number).ok_or_else(|| super::no_phone(&number))?;
        let first = match &after {
            None => 0,
            Some(id) => account.phone.with_id(id).next().map(|position| position + 1).ok_or_else(|| {
                Problem::invalid("after", "message_unknown", "the phone has no message with this id")
            })?,
        };
        let rows = account.phone.messages.iter().skip(first);
        Ok(Json(Messages { items: rows.map(|row| Message::of(account, row)).collect() }))
    });
    list.await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    ids: Vec<String>,
}

/// `POST /sandbox/phones/{number}/read`: blue ticks for the senders of these messages.
pub async fn read(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(Read { ids }): JsonBody<Read>,
) -> Result<StatusCode, Problem> {
    sandbox
        .apply_saved(|tx| {
            let number = phone_number(tx, &number)?;
            let unknown = phone::mark_read(tx, &number, &ids);
            if unknown.is_empty() {
                return Ok(StatusCode::NO_CONTENT);
            }
            let problem = Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "validation_failed",
                "the phone did not receive some of these messages",
            );
            Err(unknown.iter().fold(problem, |problem, id| {
                problem.field("ids", "message_unknown", format!("no message {id} was received"))
            }))
        })
        .await
}

/// A receipt that a phone makes up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forged {
    /// Whom it is told: the number of whoever sent the messages.
    to: String,
    /// The group that it pretends to be in.
    group: Option<String>,
    ids: Vec<String>,
    /// `read`, `played`, or nothing for a delivery.
    #[serde(default, rename = "type")]
    kind: String,
}

/// `POST /sandbox/phones/{number}/receipts`: the phone tells of messages that it never got, as any client of
/// WhatsApp can.
pub async fn forge_receipts(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
    JsonBody(forged): JsonBody<Forged>,
) -> Result<StatusCode, Problem> {
    sandbox
        .apply_saved(|tx| {
            let number = phone_number(tx, &number)?;
            let unknown = || Problem::invalid("to", "phone_unknown", "nobody has this number");
            let to = phone_number(tx, &forged.to).map_err(|_| unknown())?;
            for id in &forged.ids {
                phone::forge_receipt(tx, &number, &to, forged.group.as_deref(), id, &forged.kind);
            }
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}
