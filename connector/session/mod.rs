//! Sessions: an actor for each device, which works towards what its owner wants and reports how it goes.

mod actor;
mod count;
mod handle;
mod report;
mod told;

pub(crate) use count::{Counted, Sessions};
pub(crate) use handle::{DeviceHandle, Order};

use std::sync::Arc;

use shared::domain::{
    device::Link,
    ids::{DeviceId, TenantId},
};
use tokio::sync::watch;

use crate::{ownership::Lease, whatsapp::Socket};

/// Whose device it is and where it is served.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub tenant: TenantId,
    pub device: DeviceId,
    pub shard: u16,
    /// The right to serve it.
    pub lease: Lease,
}

/// A socket that is connected, and which of the device's numbers it is logged in with.
#[derive(Clone)]
pub(crate) struct OpenSocket {
    pub socket: Arc<Socket>,
    pub generation: u32,
}

/// The socket to send through, while there is one that is connected.
pub(crate) type Open = watch::Receiver<Option<OpenSocket>>;

impl Place {
    /// The device under one of its numbers.
    pub fn link(&self, generation: u32) -> Link {
        Link { tenant: self.tenant, device: self.device, generation }
    }
}
