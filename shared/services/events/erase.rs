//! Erasing what the log tells of a device that is being deleted.

use std::time::Duration;

use super::of_device::deleted;
use crate::{
    clock::Timestamp,
    domain::{device::Device, event::NewEvent, ids::TenantId},
    services::{Context, Error},
    store::events,
};

/// Rows read at a time.
const READ: u16 = 50;

/// How long the last event of a device may take to the log.
const LOG_TIMEOUT: Duration = Duration::from_secs(15);

/// How often it is looked whether it is there.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// By how much the clocks of connector and consumer may differ.
const CLOCKS: Duration = Duration::from_secs(120);

/// Tells that a device is deleted, and erases everything else that the log tells of it. The queue of events is in
/// order: once the last event is in the log, none comes behind it. Nobody may make events of the device meanwhile.
///
/// # Errors
/// Also when the last event does not get to the log in time: the erasure is to be begun again.
pub async fn erase_device(ctx: &Context, device: &Device) -> Result<(), Error> {
    let tenant = device.account_id;
    let last = deleted(device, ctx.now());
    let in_log = async {
        ctx.emitter.emit(tenant, [last.clone()]).await;
        while !is_logged(ctx, tenant, &last, device.updated_at).await? {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok::<_, Error>(())
    };
    match tokio::time::timeout(LOG_TIMEOUT, in_log).await {
        Ok(outcome) => outcome?,
        Err(_) => return Err(Error::unavailable("the last event of a device is not in the log yet")),
    }
    let mut number = 0;
    loop {
        let found = events::after(&ctx.db, tenant, number, READ).await?;
        for mut row in found.rows {
            number = row.sequence;
            if row.erase(|event| event.device_id == Some(device.id) && !is_same(event, &last)) {
                events::replace(&ctx.db, &row).await?;
            }
        }
        if !found.more {
            return Ok(());
        }
    }
}

/// Whether an event is among those that were logged since a moment.
async fn is_logged(
    ctx: &Context,
    tenant: TenantId,
    event: &NewEvent,
    since: Timestamp,
) -> Result<bool, Error> {
    let since = since.unix_millis() - i64::try_from(CLOCKS.as_millis()).unwrap_or_default();
    let mut number = u64::MAX;
    loop {
        let found = events::up_to(&ctx.db, tenant, number, READ).await?;
        for row in &found.rows {
            if row.events().any(|logged| is_same(logged, event)) {
                return Ok(true);
            }
            if row.at < since {
                return Ok(false);
            }
            number = row.sequence - 1;
        }
        if !found.more {
            return Ok(false);
        }
    }
}

fn is_same(one: &NewEvent, other: &NewEvent) -> bool {
    one.of.is_some() && (one.kind, &one.of) == (other.kind, &other.of)
}
