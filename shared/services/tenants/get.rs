//! One tenant.

use crate::{
    domain::{ids::TenantId, tenant::Tenant},
    services::{Context, Error},
    store::tenants::{self, TenantRow},
};

/// One tenant. One that is being erased is gone already.
pub async fn get(ctx: &Context, id: TenantId) -> Result<Tenant, Error> {
    find(ctx, id).await.map(|row| row.tenant)
}

/// The row of a tenant that is not being erased.
pub(super) async fn find(ctx: &Context, id: TenantId) -> Result<TenantRow, Error> {
    let row = tenants::get(&ctx.db, id).await?.filter(|row| row.erasure.is_none());
    row.ok_or_else(|| Error::not_found("tenant"))
}
