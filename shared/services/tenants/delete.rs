//! Deleting a tenant.

use super::{get::find, refused};
use crate::{
    domain::{
        ids::TenantId,
        tenant::{Erasure, ErasureStatus},
    },
    services::{Context, Error},
    store::tenants,
};

/// Deletes a tenant: its members' credentials stop working at once, and everything that it owns is erased in the
/// background ([`super::run_erasures`]).
///
/// Fails with `has_administrator` when an administrator would go with it.
pub async fn delete(ctx: &Context, id: TenantId) -> Result<Erasure, Error> {
    let before = find(ctx, id).await?;
    let erasure = Erasure { status: ErasureStatus::Running, requested_at: ctx.now(), finished_at: None };
    let mut after = before.clone();
    after.tenant.active = false;
    after.erasure = Some(erasure.clone());
    refused(tenants::replace(&ctx.db, &before, &after).await?)?;
    Ok(erasure)
}
