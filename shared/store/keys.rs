//! Every key format, in one place.

use crate::{
    clock::Timestamp,
    domain::{
        account::Email,
        ids::{AccountId, DeviceId, TenantId},
        jid::Jid,
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

/// Partition of what belongs to one device of one tenant.
pub fn device_partition(tenant: TenantId, device: DeviceId) -> String {
    format!("{tenant}#{device}")
}

/// The tenant and device of a partition made by [`device_partition`].
pub fn split_device_partition(pk: &str) -> Option<(TenantId, DeviceId)> {
    let (tenant, device) = pk.split_once('#')?;
    Some((tenant.parse().ok()?, device.parse().ok()?))
}

/// Partition of the `by-chat` index: one chat of one device.
pub fn chat_partition(tenant: TenantId, device: DeviceId, chat: &Jid) -> String {
    format!("{tenant}#{device}#{chat}")
}

/// Partition of the `by-shard` and `outbox` indexes.
pub fn shard_partition(shard: u16) -> String {
    format!("shard#{shard}")
}

/// Place in time order, unique by what follows the time.
pub fn position(at: Timestamp, unique: &str) -> String {
    format!("{at}#{unique}")
}

/// What follows the time in a position.
pub fn split_position(position: &str) -> Option<&str> {
    position.split_once('#').map(|(_, unique)| unique)
}
