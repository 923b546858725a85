//! Listing devices across tenants.

use crate::{
    cursor::LastKey,
    domain::{
        device::{Device, DeviceStatus},
        ids::TenantId,
    },
    services::{Context, Error, Invalid, Listing, PageRequest, Scope},
    store::{Page, devices},
};

/// How often it is read for one page at most.
const MOST_READS: usize = 20;

/// What says in a cursor which shard it is at.
const SHARD: &str = "shard";

/// Which devices are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    /// Their tenant.
    pub tenant: Option<TenantId>,
    /// Where their connections stand.
    pub status: Option<String>,
}

/// Devices of all tenants, shard by shard, or of one. A page that is filtered may be short while there is more.
pub async fn list_all(
    ctx: &Context,
    scope: &Scope,
    filter: DeviceFilter,
    page: PageRequest,
) -> Result<Listing<Device>, Error> {
    let query = format!("all-devices?{filter:?}");
    let mut invalid = Invalid::default();
    let status = filter.status.and_then(|text| {
        let expected = format!("must be one of {}", DeviceStatus::NAMES.join(", "));
        invalid.take(DeviceStatus::parse(&text).ok_or(expected), "status", "status_unknown")
    });
    invalid.check()?;
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let page = match filter.tenant {
        Some(tenant) => devices::list(&ctx.db, tenant, status, limit, from).await?,
        None => of_shards(ctx, status, limit, from).await?,
    };
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}

async fn of_shards(
    ctx: &Context,
    status: Option<DeviceStatus>,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Device>, Error> {
    let mut from = from.unwrap_or_default();
    let mut shard: u16 = from.remove(SHARD).and_then(|shard| shard.parse().ok()).unwrap_or_default();
    let mut items: Vec<Device> = Vec::new();
    for _ in 0..MOST_READS {
        let wanted = limit - u16::try_from(items.len()).unwrap_or(limit);
        if wanted == 0 {
            break;
        }
        let behind = Some(std::mem::take(&mut from)).filter(|key| !key.is_empty());
        let part = devices::list_of_shard(&ctx.db, shard, wanted, behind).await?;
        items.extend(part.items.into_iter().filter(|of| status.is_none_or(|status| of.status == status)));
        match part.next {
            Some(next) => from = next,
            None => shard += 1,
        }
        if shard >= ctx.queues.shards() {
            return Ok(Page { items, next: None });
        }
    }
    from.insert(SHARD.into(), shard.to_string());
    Ok(Page { items, next: Some(from) })
}
