//! Making a device.

use std::time::Duration;

use super::check_pacing;
use crate::{
    domain::{
        device::{Desired, Device, DeviceStatus, OnRelink},
        ids::DeviceId,
        pacing::{Pacing, PacingChange},
    },
    services::{Context, Error, ErrorCode, Invalid, Scope},
    store::devices::{self, Created},
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// What its owner calls it.
    pub name: String,
    /// How fast it may send; what is not given is the default.
    pub pacing: PacingChange,
    /// What becomes of messages that wait when its number changes.
    pub on_relink: OnRelink,
}

/// Makes a device, without link and without socket.
pub async fn create(ctx: &Context, scope: &Scope, input: NewDevice) -> Result<Device, Error> {
    if !scope.devices().is_empty() {
        let detail = "a key that is bound to devices makes no others";
        return Err(Error::new(ErrorCode::Forbidden, detail));
    }
    let pacing = Pacing::default().with(&input.pacing);
    let mut invalid = Invalid::default();
    let name = invalid.text(&input.name, "name", 1, 100);
    check_pacing(&mut invalid, &pacing);
    invalid.check()?;
    let now = ctx.now();
    let id = DeviceId::generate(now);
    let device = Device {
        id,
        account_id: scope.tenant(),
        name,
        aliases: Vec::new(),
        status: DeviceStatus::Disconnected,
        desired: Desired::Disconnected,
        phone_number: None,
        lid: None,
        push_name: None,
        shard: id.shard(ctx.queues.shards()),
        paused: false,
        send_rules: 0,
        outbox_gap: None,
        pacing,
        numbers: Vec::new(),
        generation: 0,
        allow_number_change: false,
        on_relink: input.on_relink,
        last_seen_at: None,
        last_error: None,
        qr: None,
        created_at: now,
        updated_at: now,
    };
    let limit = scope.plan(ctx).devices.filter(|_| !scope.is_exempt());
    match devices::create(&ctx.db, &device, limit).await? {
        Created::Done => Ok(device),
        Created::QuotaSpent => {
            let detail = format!("the plan allows {} devices; delete one first", limit.unwrap_or_default());
            // There is no time at which this changes by itself.
            let error = Error::new(ErrorCode::QuotaExceeded, detail);
            Err(error.retry_after(Duration::from_secs(3600)))
        }
    }
}
