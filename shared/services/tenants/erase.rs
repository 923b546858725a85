//! Erasing what a deleted tenant owned, step by step, until nothing is left. Each step may be repeated, so a
//! crash in between costs nothing; the tenant's row goes last and remembers that there is work.

use std::time::Duration;

use crate::{
    domain::{
        device::Desired,
        ids::TenantId,
        tenant::{Erasure, ErasureStatus},
    },
    queue::payloads::CommandPayload,
    services::{Context, Error, webhooks},
    store::{
        accounts, api_keys, audit, commands, counters, devices, events, refresh_tokens, retention, set_aside,
        tenants,
    },
};

/// How long after the tenant went something of it may still turn up.
const STRAGGLERS: Duration = Duration::from_secs(10);

/// How long it is told that a tenant was erased.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// How the erasure of a tenant stands; told for 30 days after its end.
pub async fn erasure(ctx: &Context, id: TenantId) -> Result<Erasure, Error> {
    tenants::erasure(&ctx.db, id).await?.ok_or_else(|| Error::not_found("erasure"))
}

/// Takes every erasure under way a step further. Says how many are under way still. Run each minute in the
/// cloud and more often on one machine.
pub async fn run_erasures(ctx: &Context) -> Result<usize, Error> {
    let mut under_way = 0;
    for id in tenants::list_erasing(&ctx.db).await? {
        match step(ctx, id).await {
            Ok(true) => tracing::info!(tenant = %id, "a tenant is erased"),
            Ok(false) => under_way += 1,
            Err(error) => {
                under_way += 1;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(tenant = %id, error, "a tenant cannot be erased yet");
            }
        }
    }
    Ok(under_way)
}

/// One step; says whether nothing is left.
async fn step(ctx: &Context, id: TenantId) -> Result<bool, Error> {
    let Some(row) = tenants::get(&ctx.db, id).await? else { return Ok(true) };
    let Some(erasure) = row.erasure.clone() else { return Ok(true) };
    api_keys::delete_of_tenant(&ctx.db, id).await?;
    let members = accounts::all(&ctx.db, id).await?;
    for member in &members {
        refresh_tokens::delete_of_account(&ctx.db, member.account.id).await?;
        accounts::erase(&ctx.db, member).await?;
    }
    let left = devices::list_all(&ctx.db, id).await?;
    for device in &left {
        if device.desired != Desired::Deleted {
            devices::set_desired(&ctx.db, id, device.id, Desired::Deleted, None, false, ctx.now()).await?;
        }
        let payload = CommandPayload::device_changed(id, device.id);
        ctx.queues.send_command(device.shard, &payload).await?;
    }
    let age = ctx.now().since(erasure.requested_at);
    let no_webhooks = webhooks::erase_of_tenant(ctx, id, age).await?;
    // The connector unlinks them and erases what they hold. And a request that got in just before the tenant
    // went, or an index that lags, may still bring something: the last sweep comes after that.
    if !members.is_empty() || !left.is_empty() || !no_webhooks || age < STRAGGLERS {
        return Ok(false);
    }
    commands::delete_of_tenant(&ctx.db, id).await?;
    retention::delete_of_tenant(&ctx.db, id).await?;
    counters::delete_of_tenant(&ctx.db, id).await?;
    audit::delete_of_tenant(&ctx.db, id).await?;
    events::delete_of_tenant(&ctx.db, id).await?;
    set_aside::delete_of_tenant(&ctx.db, id).await?;
    let now = ctx.now();
    let done = Erasure { status: ErasureStatus::Done, finished_at: Some(now), ..erasure };
    tenants::finish_erasure(&ctx.db, id, &done, now + MEMORY).await?;
    Ok(true)
}
