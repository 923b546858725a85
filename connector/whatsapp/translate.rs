//! From the library's events to Kurir's.

use std::time::Duration;

use whatsapp_rust::{
    Client, Jid,
    types::{
        events::{Event, Receipt},
        presence::ReceiptType,
    },
    wacore_binary::JidExt,
};

use super::{Chat, Identity, ReceiptKind, SocketEvent, members};
use crate::session_store::SessionStore;

/// `None` for what Kurir does not report.
pub(super) async fn translate(client: &Client, keys: &SessionStore, event: &Event) -> Option<SocketEvent> {
    Some(match event {
        Event::PairingQrCode(qr) => SocketEvent::Qr { code: qr.code.clone(), valid_for: qr.timeout },
        Event::PairingCode(pairing) => {
            SocketEvent::PairingCode { code: pairing.code.clone(), expires_in: pairing.timeout }
        }
        Event::PairingCodeRefresh(_) => {
            SocketEvent::PairingCodeVoid { reason: "the phone did not complete the pairing".into() }
        }
        Event::PairingCodeError(error) => SocketEvent::PairingCodeVoid { reason: error.error.clone() },
        Event::PairSuccess(paired) => SocketEvent::Paired {
            identity: Identity::of([&paired.id, &paired.lid]),
            push_name: Some(paired.business_name.clone()).filter(|name| !name.is_empty()),
        },
        Event::PairError(error) => SocketEvent::PairingFailed { reason: error.error.clone() },
        Event::Connected(_) => SocketEvent::Connected {
            identity: Identity::of(client.pn().iter().chain(&client.lid())),
            push_name: Some(client.push_name()).filter(|name| !name.is_empty()),
        },
        Event::Disconnected(lost) => SocketEvent::Disconnected { reason: lost.reason.to_string() },
        Event::LoggedOut(out) => SocketEvent::LoggedOut { reason: format!("{:?}", out.reason) },
        Event::StreamReplaced(_) => SocketEvent::StreamReplaced,
        Event::TemporaryBan(ban) => SocketEvent::TemporaryBan {
            code: ban.code.code(),
            reason: ban.code.to_string(),
            expires_in: Duration::from_secs(u64::try_from(ban.expire.num_seconds()).unwrap_or_default()),
        },
        Event::ClientOutdated(_) => SocketEvent::ClientOutdated,
        Event::ConnectFailure(failure) => SocketEvent::ConnectFailure {
            code: failure.reason.code(),
            reason: failure.message.clone().unwrap_or_else(|| format!("{:?}", failure.reason)),
            retrying: failure.reason.should_reconnect(),
        },
        Event::Receipt(receipt) => return translate_receipt(client, keys, receipt).await,
        _ => return None,
    })
}

async fn translate_receipt(client: &Client, keys: &SessionStore, receipt: &Receipt) -> Option<SocketEvent> {
    let kind = receipt_kind(&receipt.r#type)?;
    let source = &receipt.source;
    if is_own(client, &source.sender) != (kind == ReceiptKind::ReadByOwner) {
        // The owner's other devices received their copy: that says nothing of the recipient.
        return None;
    }
    if source.chat.is_group() && !members::includes(client, keys, &source.chat, &source.sender).await {
        tracing::debug!("a receipt of somebody who is not in the group is passed over");
        return None;
    }
    let from = Identity::resolve(client, &source.sender, source.sender_alt.as_ref()).await;
    let chat = if Chat::is_person(&source.chat) {
        Chat::Person(Identity::resolve(client, &source.chat, source.recipient_alt.as_ref()).await)
    } else {
        Chat::of_many(&source.chat)
    };
    Some(SocketEvent::Receipt {
        wa_message_ids: receipt.message_ids.iter().map(ToString::to_string).collect(),
        chat,
        from,
        kind,
        timestamp: receipt.timestamp.timestamp_millis(),
    })
}

fn receipt_kind(kind: &ReceiptType) -> Option<ReceiptKind> {
    match kind {
        // An inactive receipt is a delivery to somebody who is not looking.
        ReceiptType::Delivered | ReceiptType::Inactive => Some(ReceiptKind::Delivered),
        ReceiptType::Read => Some(ReceiptKind::Read),
        ReceiptType::Played => Some(ReceiptKind::Played),
        ReceiptType::ReadSelf | ReceiptType::PlayedSelf => Some(ReceiptKind::ReadByOwner),
        ReceiptType::ServerError => Some(ReceiptKind::ServerError),
        _ => None,
    }
}

fn is_own(client: &Client, jid: &Jid) -> bool {
    client.pn().iter().chain(&client.lid()).any(|own| own.user == jid.user && own.server == jid.server)
}
