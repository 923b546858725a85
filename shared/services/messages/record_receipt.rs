//! Receipts: delivered and read.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        ids::{DeviceId, MessageId, TenantId},
        message::MessageStatus,
    },
    services::{Context, Error},
    store::messages::{self, Advanced, Step},
};

/// What a recipient's phone tells of messages.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The ids that WhatsApp knows them by.
    pub wa_message_ids: Vec<String>,
    /// Delivered or read.
    pub status: MessageStatus,
    /// When.
    pub at: Timestamp,
}

/// Moves the messages of a receipt forward. Ids that the device did not send are passed over: the owner's
/// phone gets receipts for what it sent itself before it was linked.
pub async fn record_receipt(
    ctx: &Context,
    tenant: TenantId,
    device: DeviceId,
    receipt: Receipt,
) -> Result<(), Error> {
    // WhatsApp counts in whole seconds: what happened within the last one happened now.
    let now = ctx.now();
    let at = if now.since(receipt.at) < Duration::from_secs(1) { now } else { receipt.at };
    for id in &receipt.wa_message_ids {
        let step = Step::to(receipt.status, at);
        // What Kurir sent is found under the id itself; what the owner's phone sent, under a derived one.
        let Advanced::Missing = messages::advance(&ctx.db, tenant, device, id, step.clone()).await? else {
            continue;
        };
        let id = MessageId::of_owner(device, id).wa_message_id();
        messages::advance(&ctx.db, tenant, device, &id, step).await?;
    }
    Ok(())
}
