//! What receipts say of messages, and of which they may.

use std::time::Duration;

use shared::{
    clock::Timestamp,
    domain::message::MessageStatus,
    store::messages::{Only, Step},
};

use super::Actor;
use crate::{
    session::Place,
    whatsapp::{Chat, Identity, ReceiptKind},
};

impl Actor {
    /// Which messages a receipt may be of: those in the chat with who sent it, or in the group that it is of, under the
    /// number that the socket is logged in with. Whether somebody is in the group, the socket has seen to.
    pub(super) fn may_tell_of(&self, chat: &Chat, from: &Identity) -> Option<Only> {
        let generation = self.generation()?;
        let addresses = match chat {
            Chat::Person(_) => [from.pn.as_deref(), from.lid.as_deref()],
            Chat::Group(group) => [Some(group.as_str()), None],
            Chat::Other(_) => return None,
        };
        let chats: Vec<_> = addresses.into_iter().flatten().filter_map(|text| text.parse().ok()).collect();
        (!chats.is_empty()).then_some(Only { generation, chats })
    }

    pub(super) async fn on_receipt(
        &mut self,
        wa_message_ids: Vec<String>,
        only: Only,
        kind: ReceiptKind,
        timestamp: i64,
    ) {
        let status = match kind {
            ReceiptKind::Delivered => MessageStatus::Delivered,
            ReceiptKind::Read | ReceiptKind::Played => MessageStatus::Read,
            ReceiptKind::ReadByOwner | ReceiptKind::ServerError => return,
        };
        let at = Timestamp::from_unix_millis(timestamp);
        // WhatsApp counts in whole seconds: what happened within the last one happened now.
        let now = self.worker.ctx.now();
        let at = if now.since(at) < Duration::from_secs(1) { now } else { at };
        let Place { tenant, device, .. } = self.place;
        for id in &wa_message_ids {
            if let Some(live) = &self.live {
                live.under_way.passed(id).await;
            }
            let step = Step::to(status, at).only(only.clone());
            self.worker.progress.note(tenant, device, id, step, None).await;
        }
    }
}
