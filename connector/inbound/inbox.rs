//! A device's inbox: where the socket puts messages before it acknowledges them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::json;
use shared::{
    clock::Timestamp,
    domain::{device::Link, event::NewEvent, jid, message::MessageStatus, set_aside::SetAsideKind},
    services::{
        Error, events,
        messages::{self, Delivery},
        set_aside::PassedOver,
    },
    store::messages::{Only, Step},
};
use tokio::sync::{Notify, watch};

use super::UnderWay;
use crate::{
    ownership::Assignment,
    retry::{Backoff, patiently},
    whatsapp::{Chat, Identity, InboundMessage, Inbox, InboxError, Receipt, ReceiptKind},
    worker::Worker,
};

/// The longest name that a sender is shown with, in characters.
const MAX_NAME_CHARS: usize = 200;

/// How long it may take to find out whose messages they are.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the queue of events may take.
const EMIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Stores what one device receives.
pub(crate) struct DeviceInbox {
    worker: Worker,
    assignment: Assignment,
    /// Told when messages could not be stored. WhatsApp delivers them again after the next connect only.
    failed: Arc<Notify>,
    /// What the owner sent elsewhere and is being stored.
    under_way: UnderWay,
    /// Which of the device's numbers the socket is logged in with, once that is known.
    generation: watch::Receiver<Option<u32>>,
}

impl DeviceInbox {
    /// The inbox of a device.
    pub fn new(
        worker: Worker,
        assignment: Assignment,
        failed: Arc<Notify>,
        generation: watch::Receiver<Option<u32>>,
    ) -> Self {
        Self { worker, assignment, failed, under_way: UnderWay::default(), generation }
    }

    /// Whose messages these are. A phone that may not link the device has it logged out, and what comes until then
    /// is never stored.
    async fn link(&self) -> Result<Link, InboxError> {
        let known = tokio::time::timeout(ADMISSION_TIMEOUT, self.admitted()).await;
        known.ok().flatten().ok_or_else(|| InboxError("the link is not admitted".into()))
    }

    /// The same, for as long as the socket is there.
    async fn admitted(&self) -> Option<Link> {
        let mut generation = self.generation.clone();
        let known = generation.wait_for(Option::is_some).await.ok()?;
        (*known).map(|known| self.assignment.link(known))
    }

    /// Stores a message; says what is to be told of it.
    async fn store_one(&self, link: Link, message: &InboundMessage) -> Result<Option<NewEvent>, Error> {
        let sender = identity_of(&message.sender);
        let chat = match &message.chat {
            Chat::Person(person) => identity_of(person),
            Chat::Group(group) => group.parse::<jid::Jid>().map(jid::Identity::from).unwrap_or_default(),
            // Status updates, broadcasts and channels are no conversations.
            Chat::Other(_) => return Ok(None),
        };
        for identity in [&chat, &sender] {
            if let (Some(lid), Some(phone)) = (&identity.lid, &identity.phone) {
                self.worker.contacts.learn(&self.worker.ctx, link, lid, phone).await?;
            }
        }
        let delivery = Delivery {
            chat,
            sender,
            from_owner: message.from_me,
            push_name: message.push_name.as_ref().map(|name| name.chars().take(MAX_NAME_CHARS).collect()),
            wa_message_id: message.wa_message_id.clone(),
            content: message.content.clone(),
            sent_at: Timestamp::from_unix_millis(message.timestamp),
            is_group: message.is_group(),
        };
        let stored = messages::record_delivery(&self.worker.ctx, link, delivery).await?;
        Ok(stored.map(|(message, is_new)| events::of_delivery(&message, is_new)))
    }

    /// Receipts of what the owner sent may have come before it.
    async fn look_for_receipts(&self, of_owner: &[String]) {
        let Assignment { tenant, device, .. } = self.assignment;
        for id in of_owner {
            self.worker.progress.stored(tenant, device, id).await;
        }
    }

    /// Sets aside a message that can never be stored.
    async fn set_aside(&self, message: &InboundMessage, why: &Error) -> Result<(), Error> {
        let Assignment { tenant, device, .. } = self.assignment;
        let content = json!({
            "waMessageId": message.wa_message_id,
            "chat": message.chat.jid(),
            "sender": message.sender.preferred(),
            "fromOwner": message.from_me,
            "sentAt": Timestamp::from_unix_millis(message.timestamp),
            "content": message.content,
        });
        let item = PassedOver {
            what: SetAsideKind::ReceivedMessage,
            tenant,
            device: Some(device),
            subject: &message.wa_message_id,
            distinct: message.sender.preferred().unwrap_or_default(),
            content: Some(content.to_string()),
        };
        Ok(self.worker.ctx.set_aside.keep(item, why).await?)
    }

    /// Tells of what is stored. When the queue of events stays away, WhatsApp delivers the messages again and
    /// they are told of then, too.
    async fn tell(&self, told: Vec<NewEvent>) -> Result<(), InboxError> {
        let emitting = self.worker.ctx.emitter.emit(self.assignment.tenant, told);
        tokio::time::timeout(EMIT_TIMEOUT, emitting)
            .await
            .map_err(|_| InboxError("the queue of events is away".into()))
    }

    /// Stores messages, in their order, and tells of them.
    async fn store_all(&self, messages: &[InboundMessage]) -> Result<(), InboxError> {
        let of_owner = messages.iter().filter(|message| message.from_me);
        let of_owner: Vec<String> = of_owner.map(|message| message.wa_message_id.clone()).collect();
        let _under_way = self.under_way.enter(of_owner.clone());
        let link = self.link().await?;
        let (mut told, mut outcome) = (Vec::with_capacity(messages.len()), Ok(()));
        for message in messages {
            let error = match patiently(|| self.store_one(link, message)).await {
                Ok(event) => {
                    told.extend(event);
                    continue;
                }
                Err(error) => error,
            };
            // What will never be stored must not keep those behind it from being stored.
            let outcome_of_one = match error.passes() {
                true => Err(error),
                false => patiently(|| self.set_aside(message, &error)).await,
            };
            if let Err(error) = outcome_of_one {
                let cause = error.cause.as_deref().map(ToString::to_string).unwrap_or_default();
                outcome = Err(InboxError(format!("{error}: {cause}")));
                break;
            }
        }
        let outcome = self.tell(told).await.and(outcome);
        if outcome.is_ok() {
            // What was told of them comes after that.
            self.look_for_receipts(&of_owner).await;
        }
        outcome
    }
}

#[async_trait]
impl Inbox for DeviceInbox {
    async fn store(&self, messages: Vec<InboundMessage>) -> Result<(), InboxError> {
        let outcome = self.store_all(&messages).await;
        if outcome.is_err() {
            self.failed.notify_one();
        }
        outcome
    }

    async fn keep(&self, messages: Vec<InboundMessage>) {
        // What comes over a link that the device must not have is never stored.
        if self.admitted().await.is_none() {
            return;
        }
        let mut backoff = Backoff::default();
        while let Err(error) = self.store_all(&messages).await {
            let device = self.assignment.device;
            if !self.assignment.lease.holds() {
                tracing::error!(%device, %error, "messages that come once only are lost: they could not be stored before another connector took the device over");
                return;
            }
            tracing::warn!(%device, %error, "messages that come once only wait to be stored");
            tokio::time::sleep(backoff.next()).await;
        }
    }

    async fn receipt(&self, receipt: Receipt) {
        let status = match receipt.kind {
            ReceiptKind::Delivered => MessageStatus::Delivered,
            ReceiptKind::Read | ReceiptKind::Played => MessageStatus::Read,
            ReceiptKind::ReadByOwner | ReceiptKind::ServerError => return,
        };
        let at = Timestamp::from_unix_millis(receipt.timestamp);
        // WhatsApp counts in whole seconds: what happened within the last one happened now.
        let now = self.worker.ctx.now();
        let at = if now.since(at) < Duration::from_secs(1) { now } else { at };
        let Some(link) = self.admitted().await else { return };
        let Some(only) = may_tell_of(&receipt, link) else { return };
        let member = match &receipt.chat {
            Chat::Group(_) => identity_of(&receipt.from).preferred().cloned(),
            _ => None,
        };
        for id in &receipt.wa_message_ids {
            self.under_way.passed(id).await;
            let step = Step::to(status, at).only(only.clone());
            self.worker.progress.receipt(link.tenant, link.device, id, step, member.clone()).await;
        }
    }

    async fn group_subject(&self, group: String, subject: String) {
        let Ok(group) = group.parse() else { return };
        let Some(link) = self.admitted().await else { return };
        let subject = subject.chars().take(MAX_NAME_CHARS).collect::<String>();
        // It is asked for again by the next socket.
        let naming = || messages::record_group_subject(&self.worker.ctx, link, &group, &subject);
        if let Err(error) = patiently(naming).await {
            tracing::warn!(device = %self.assignment.device, error = &error as &dyn std::error::Error, "what a group is called cannot be written");
        }
    }

    async fn learned(&self, pn: String, lid: String) {
        let (Ok(phone), Ok(lid)) = (pn.parse(), lid.parse()) else { return };
        let Some(link) = self.admitted().await else { return };
        let mut backoff = Backoff::default();
        let learn = || self.worker.contacts.learn(&self.worker.ctx, link, &lid, &phone);
        while let Err(error) = patiently(learn).await {
            tracing::warn!(device = %self.assignment.device, error = &error as &dyn std::error::Error, "a contact's identity cannot be written yet");
            if !self.assignment.lease.holds() {
                return;
            }
            tokio::time::sleep(backoff.next()).await;
        }
    }
}

/// Which messages a receipt may be of: those in the chat with who sent it, or in the group that it is of, under the
/// number that the socket is logged in with. Whether somebody is in the group, the socket has seen to.
fn may_tell_of(receipt: &Receipt, link: Link) -> Option<Only> {
    let addresses = match &receipt.chat {
        Chat::Person(_) => [receipt.from.pn.as_deref(), receipt.from.lid.as_deref()],
        Chat::Group(group) => [Some(group.as_str()), None],
        Chat::Other(_) => return None,
    };
    let chats: Vec<_> = addresses.into_iter().flatten().filter_map(|text| text.parse().ok()).collect();
    (!chats.is_empty()).then_some(Only { generation: link.generation, chats })
}

fn identity_of(identity: &Identity) -> jid::Identity {
    let read = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    jid::Identity { phone: read(&identity.pn), lid: read(&identity.lid) }
}
