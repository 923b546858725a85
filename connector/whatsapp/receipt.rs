//! Receipts: what became of messages at their recipients.

use std::fmt;

use whatsapp_rust::{
    Client,
    types::{events, presence::ReceiptType},
    wacore_binary::JidExt,
};

use super::{Chat, Identity, is_own, members};
use crate::session_store::SessionStore;

/// No id of a message is longer, in characters. WhatsApp's own have up to about 40.
const MAX_ID_CHARS: usize = 128;

/// Delivered, read, played.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    pub wa_message_ids: Vec<String>,
    /// The group, or the person, whose chat the messages are in.
    pub chat: Chat,
    /// Who received or read.
    pub from: Identity,
    pub kind: ReceiptKind,
    /// Unix time, milliseconds.
    pub timestamp: i64,
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptKind {
    Delivered,
    Read,
    Played,
    /// The owner read the chat on the phone or another linked device.
    ReadByOwner,
    /// The recipient's device could not take it.
    ServerError,
}

/// `None` for what Kurir does not note down. May ask the server who is in a group.
pub(super) async fn translate(
    client: &Client,
    keys: &SessionStore,
    receipt: &events::Receipt,
) -> Option<Receipt> {
    let kind = kind_of(&receipt.r#type)?;
    let source = &receipt.source;
    if is_own(client, &source.sender) != (kind == ReceiptKind::ReadByOwner) {
        // The owner's other devices received their copy: that says nothing of the recipient.
        return None;
    }
    let wa_message_ids = ids(receipt.message_ids.iter().map(ToString::to_string));
    if wa_message_ids.is_empty() {
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
    Some(Receipt { wa_message_ids, chat, from, kind, timestamp: receipt.timestamp.timestamp_millis() })
}

/// Those that can be ids of messages. Anybody can send a receipt of anything.
fn ids(of: impl Iterator<Item = String>) -> Vec<String> {
    of.filter(|id| !id.is_empty() && id.len() <= MAX_ID_CHARS).collect()
}

fn kind_of(kind: &ReceiptType) -> Option<ReceiptKind> {
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

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("wa_message_ids", &self.wa_message_ids)
            .field("kind", &self.kind)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_the_id_of_a_message_is_left_out() {
        let of = ["3EB0A1".to_owned(), String::new(), "x".repeat(4096), "x".repeat(MAX_ID_CHARS)];
        assert_eq!(ids(of.into_iter()), ["3EB0A1".to_owned(), "x".repeat(MAX_ID_CHARS)]);
    }
}
