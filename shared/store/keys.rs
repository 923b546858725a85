//! Every key format, in one place.

use crate::{
    clock::Timestamp,
    domain::{
        account::Email,
        alias::{Alias, UniqueIn},
        device::Link,
        ids::{AccountId, DeliveryId, DeviceId, MessageId, TenantId, WebhookId},
        jid::Jid,
        message::Priority,
    },
};

/// Row of an account in `accounts`.
pub fn account(id: AccountId) -> String {
    format!("account#{id}")
}

/// Row in `accounts` that claims an e-mail address for one account.
pub fn email(email: &Email) -> String {
    format!("email#{email}")
}

/// Row in `accounts` that counts the active administrators.
pub const ADMINS: &str = "admins";

/// Row in `counters` that counts a tenant's devices.
pub const DEVICES: &str = "devices";

/// Row in `counters` that says until when a tenant's replay of events may take.
pub const REPLAY: &str = "replay";

/// Row in `counters` that says how long a tenant's data is kept.
pub const RETENTION: &str = "retention";

/// Partition in `counters` of the passes that bring stored data under another rule of that.
pub const RETENTION_PASSES: &str = "retention-passes";

/// Row in `counters` of the walk that looks for accounts whose plans say something new.
pub const RETENTION_WALK: &str = "retention-walk";

/// Partition of all leases.
pub const LEASES: &str = "leases";

/// Partition of the index of all that was set aside.
pub const SET_ASIDE: &str = "set-aside";

/// Partition of all workers.
pub const WORKERS: &str = "workers";

/// Partition in `leases` of what holds for the whole deployment.
pub const DEPLOYMENT: &str = "deployment";

/// Its row that tells master keys apart.
pub const KEY_CHECK: &str = "key-check";

/// Row in `devices` that claims a foreign name for one device: its partition, and its place there.
pub fn alias(alias: &Alias) -> (String, String) {
    let reach = match alias.unique_in {
        UniqueIn::Tenant(tenant) => tenant.to_string(),
        UniqueIn::Deployment => "*".into(),
    };
    (format!("alias#{}#{reach}", alias.namespace), alias.name.clone())
}

/// A shard's number as text that sorts like the number.
pub fn shard_number(shard: u16) -> String {
    format!("{shard:05}")
}

/// The number of a row of an event log as text that sorts like the number.
pub fn event_sequence(number: u64) -> String {
    format!("{number:020}")
}

/// Partition of what belongs to one device of one tenant.
pub fn device_partition(tenant: TenantId, device: DeviceId) -> String {
    format!("{tenant}#{device}")
}

/// Partition of what belongs to one link of a device: the device's own for its first number.
pub fn link_partition(link: Link) -> String {
    format!("{}#{}", link.tenant, linked(link))
}

/// A device under one of its numbers.
fn linked(Link { device, generation, .. }: Link) -> String {
    match generation {
        0 => device.to_string(),
        generation => format!("{device}~{generation}"),
    }
}

/// The tenant and device of a partition made by [`device_partition`].
pub fn split_device_partition(pk: &str) -> Option<(TenantId, DeviceId)> {
    let (tenant, device) = pk.split_once('#')?;
    Some((tenant.parse().ok()?, device.parse().ok()?))
}

/// Partition of the `by-chat` index: one chat of one link.
pub fn chat_partition(link: Link, chat: &Jid) -> String {
    format!("{}#{chat}", link_partition(link))
}

/// Partition of the `by-shard` and `outbox` indexes.
pub fn shard_partition(shard: u16) -> String {
    format!("shard#{shard}")
}

/// Place in time order, unique by what follows the time.
pub fn position(at: Timestamp, unique: &str) -> String {
    format!("{at}#{unique}")
}

/// Place in the `by-day` index: the day of a chat's newest message, unique by the chat.
pub fn activity(at: Timestamp, chat: &Jid) -> String {
    // The day is what the text of a moment begins with.
    format!("{:.10}#{chat}", at.to_string())
}

/// Place in the `outbox` index: by device and link, then in the order in which its messages are to go.
pub fn outbox_position(link: Link, priority: Priority, at: Timestamp, message: MessageId) -> String {
    format!("{}{}", outbox_prefix(link, priority), position(at, &message.to_string()))
}

/// The first and the last that a place of one link's messages may be.
pub fn outbox_range(link: Link) -> (String, String) {
    (format!("{}#", linked(link)), format!("{}#~", linked(link)))
}

/// What comes behind every place of a device, whatever its link, and before those of the next one.
pub fn outbox_behind(device: DeviceId) -> String {
    format!("{device}~~")
}

/// What the places of one link's messages of one priority begin with.
pub fn outbox_prefix(link: Link, priority: Priority) -> String {
    let rank = match priority {
        Priority::Normal => 0,
        Priority::Bulk => 1,
    };
    format!("{}#{rank}#", linked(link))
}

/// What is in a place made by [`outbox_position`].
pub fn split_outbox_position(text: &str) -> Option<(Priority, Timestamp, MessageId)> {
    let mut parts = text.splitn(4, '#').skip(1);
    let priority = if parts.next()? == "0" { Priority::Normal } else { Priority::Bulk };
    Some((priority, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What follows the time in a position.
pub fn split_position(position: &str) -> Option<&str> {
    position.split_once('#').map(|(_, unique)| unique)
}

/// Partition of the log of one webhook's deliveries.
pub fn webhook_partition(tenant: TenantId, webhook: WebhookId) -> String {
    format!("{tenant}#{webhook}")
}

/// Place of a try in that log: by delivery, then by number.
pub fn attempt(delivery: DeliveryId, number: u32) -> String {
    format!("{delivery}#{number:02}")
}
