//! Sessions: an actor for each device, which works towards what its owner wants and reports how it goes.

mod actor;
mod count;
mod handle;
mod report;
mod told;

pub(crate) use count::{Counted, Sessions};
pub(crate) use handle::{DeviceHandle, Order};

use std::sync::Arc;

use shared::domain::ids::{DeviceId, TenantId};
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

/// The socket to send through, while there is one that is connected.
pub(crate) type Open = watch::Receiver<Option<Arc<Socket>>>;
