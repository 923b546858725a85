//! The record of a phone's links' sockets.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use functions::error::Problem;
use serde::Serialize;
use shared::clock::Timestamp;

use super::phone_number;
use crate::whatsapp::{Sandbox, address::Address, sockets::SocketRecord, state::Tx};

/// The sockets of all links of a phone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sockets {
    /// The longest that a link was without a socket between two logins, or is now since its latest.
    longest_away_ms: i64,
    /// Messages that came on a socket after a newer one of the same link had logged in. None were taken.
    late_messages: usize,
    /// Stanzas of any kind that came so.
    late_stanzas: u64,
    /// By link, oldest first.
    items: Vec<Socket>,
}

/// One socket, from its login on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Socket {
    /// Which link of the phone it belongs to.
    n: u16,
    /// Its name while the sandbox runs.
    socket: u64,
    logged_in_at: Timestamp,
    /// Absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    /// For how long the link had been without a socket before; absent for its first.
    #[serde(skip_serializing_if = "Option::is_none")]
    away_ms: Option<i64>,
    /// It was open when a newer one logged in.
    replaced: bool,
    /// How many messages came on it.
    messages: u64,
    /// The ids of the latest of them.
    message_ids: Vec<String>,
    /// The ids of messages that came after a newer one had logged in.
    late_messages: Vec<String>,
    /// How many stanzas came after a newer one had logged in.
    late_stanzas: u64,
}

impl Socket {
    fn of(n: u16, record: &SocketRecord, before: Option<&SocketRecord>) -> Self {
        Self {
            n,
            socket: record.connection,
            logged_in_at: record.logged_in_at,
            ended_at: record.ended_at,
            // One that was replaced ended at the login of the next.
            away_ms: before.map(|before| millis(before.ended_at, record.logged_in_at)),
            replaced: record.replaced,
            messages: record.messages,
            message_ids: record.message_ids.iter().cloned().collect(),
            late_messages: record.late_messages.clone(),
            late_stanzas: record.late_stanzas,
        }
    }
}

fn millis(from: Option<Timestamp>, to: Timestamp) -> i64 {
    from.map_or(0, |from| to.unix_millis() - from.unix_millis())
}

/// `GET /sandbox/phones/{number}/sockets`: which sockets the phone's links had since the sandbox started,
/// and what each sent.
pub async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Path(number): Path<String>,
) -> Result<Json<Sockets>, Problem> {
    sandbox.apply(|tx| {
        let number = phone_number(tx, &number)?;
        Ok(Json(view(tx, &number)))
    })
}

fn view(tx: &Tx<'_>, number: &str) -> Sockets {
    let account = tx.world.accounts.get(number);
    let links: Vec<u16> =
        account.into_iter().flat_map(|account| account.companions.keys().copied()).collect();
    let (mut items, mut longest) = (Vec::new(), 0);
    for n in links {
        let records: Vec<_> = tx.world.sockets.of(&Address::new(number, n)).collect();
        for (at, record) in records.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| records.get(at)).copied();
            items.push(Socket::of(n, record, before));
        }
        let ended = records.last().and_then(|record| record.ended_at);
        longest = longest.max(ended.map_or(0, |at| millis(Some(at), tx.now)));
    }
    Sockets {
        longest_away_ms: items.iter().filter_map(|socket| socket.away_ms).fold(longest, i64::max),
        late_messages: items.iter().map(|socket| socket.late_messages.len()).sum(),
        late_stanzas: items.iter().map(|socket| socket.late_stanzas).sum(),
        items,
    }
}
