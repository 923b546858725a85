//! Unlinking a device.

use super::{Wish, want};
use crate::{
    domain::{
        device::{Desired, Device},
        ids::DeviceId,
    },
    services::{Context, Error, Scope},
};

/// Asks for the link to be ended at WhatsApp and for its keys to be wiped.
pub async fn log_out(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
    want(ctx, scope, id, Wish::of(Desired::LoggedOut)).await
}
