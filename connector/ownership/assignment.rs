//! A device that this connector serves.

use shared::domain::{
    device::Link,
    ids::{DeviceId, TenantId},
};

use super::Lease;

/// Whose device it is and where it is served.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Its tenant.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// The shard that it lies in.
    pub shard: u16,
    /// The right to serve it.
    pub lease: Lease,
}

impl Assignment {
    /// The device under one of its numbers.
    pub fn link(&self, generation: u32) -> Link {
        Link { tenant: self.tenant, device: self.device, generation }
    }
}
