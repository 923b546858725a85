//! From the library's events to the state of a socket.

use std::time::Duration;

use tokio::time::Instant;
use whatsapp_rust::{Client, OwnedNodeRef, types::events::Event};

use super::{End, Identity, Linked, SocketState, reason};

/// What a socket is after an event; `None` when that changes nothing.
pub(super) fn next_state(client: &Client, now: &SocketState, event: &Event) -> Option<SocketState> {
    Some(match event {
        Event::PairingQrCode(qr) => SocketState::ShowingQr {
            code: qr.code.clone(),
            until: Instant::now() + qr.timeout,
            problem: None,
        },
        Event::PairSuccess(paired) => SocketState::Connecting {
            linked: Some(Linked {
                identity: Identity::of([&paired.id, &paired.lid]),
                push_name: Some(paired.business_name.clone()).filter(|name| !name.is_empty()),
            }),
            reason: None,
        },
        Event::PairError(error) => now.not_linked(error.error.clone()),
        Event::Connected(_) => SocketState::Connected(Linked {
            identity: Identity::of(client.pn().iter().chain(&client.lid())),
            push_name: Some(client.push_name()).filter(|name| !name.is_empty()),
        }),
        Event::Disconnected(lost) => now.lost(reason::of_end(&lost.reason)),
        Event::ConnectFailure(failure) => {
            let code = failure.reason.code();
            let reason = failure.message.clone().unwrap_or_else(|| reason::of_refusal(&failure.reason));
            if failure.reason.should_reconnect() {
                now.lost(format!("WhatsApp refused the connection ({code}): {reason}"))
            } else {
                SocketState::Over(End::Refused { code, reason })
            }
        }
        Event::LoggedOut(out) => {
            SocketState::Over(End::LoggedOut { reason: reason::of_refusal(&out.reason) })
        }
        Event::StreamReplaced(_) => SocketState::Over(End::Replaced),
        Event::TemporaryBan(ban) => SocketState::Over(End::Banned {
            code: ban.code.code(),
            reason: ban.code.to_string(),
            expires_in: Duration::from_secs(u64::try_from(ban.expire.num_seconds()).unwrap_or_default()),
        }),
        Event::ClientOutdated(_) => SocketState::Over(End::ClientOutdated),
        Event::RawNode(node) if is_rate_limit(node) => SocketState::Over(End::RateLimited),
        _ => return None,
    })
}

/// Whether the server ends the stream because this device connects too often. The library reports nothing of
/// that and is silent for minutes.
pub(super) fn is_rate_limit(node: &OwnedNodeRef) -> bool {
    node.tag() == "stream:error" && node.get_attr("code").is_some_and(|code| code.as_str() == "429")
}
