//! Deleting webhooks.

use std::time::Duration;

use super::not_found;
use crate::{
    domain::ids::{TenantId, WebhookId},
    services::{Context, Error, Scope},
    store::{deliveries, webhooks},
};

/// How long a try that was under way when its webhook went may still write into the log.
const UNDER_WAY: Duration = Duration::from_secs(20);

/// Deletes one of the caller's webhooks: what is queued for it is dropped, and the log of its deliveries ends
/// with the week that it is kept.
pub async fn delete(ctx: &Context, scope: &Scope, id: WebhookId) -> Result<(), Error> {
    match webhooks::delete(&ctx.db, scope.tenant(), id, ctx.now()).await? {
        true => Ok(()),
        false => Err(not_found()),
    }
}

/// Takes the erasure of everything of a tenant that has to do with webhooks a step further; `age` is how long ago
/// it was asked for. Says whether nothing is left. May be repeated.
pub async fn erase_of_tenant(ctx: &Context, tenant: TenantId, age: Duration) -> Result<bool, Error> {
    let ids = webhooks::ids_with_deleted(&ctx.db, tenant).await?;
    if ids.is_empty() {
        return Ok(true);
    }
    if age < UNDER_WAY {
        for id in ids {
            webhooks::delete(&ctx.db, tenant, id, ctx.now()).await?;
        }
        return Ok(false);
    }
    for id in ids {
        deliveries::delete_of_webhook(&ctx.db, tenant, id).await?;
    }
    webhooks::delete_of_tenant(&ctx.db, tenant).await?;
    Ok(true)
}
