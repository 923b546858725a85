//! Bringing what is stored under the rule of the present plans, a part in each round.

use std::time::Duration;

use super::known::BELIEVED;
use crate::{
    domain::{ids::TenantId, retention::Retention},
    services::{Context, Error},
    store::{
        devices,
        retention::{self, Kind, Pass, Walk},
        tenants,
    },
};

/// How many tenants a round looks at.
const TENANTS: u16 = 100;

/// How long the walk over all tenants rests at its end.
const REST: Duration = Duration::from_secs(600);

/// How many rows a round reads, how many at a time, and of how many tenants.
const ROWS: usize = 4_000;
const AT_A_TIME: u16 = 200;
const PASSES: u16 = 20;

/// How long a pass waits for everybody to have heard of the new rule.
const HEARD: Duration = BELIEVED.saturating_mul(2);

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Tenants whose plan says something new.
    pub changed: usize,
    /// Rows that were looked at.
    pub rows: usize,
}

/// A tenant's plan says something else than what is written down, or may: what is stored follows in the background.
pub async fn changed(ctx: &Context, tenant: TenantId, retention: Retention) -> Result<(), Error> {
    // In this order: a crash in between has the walk come upon it again.
    retention::begin(&ctx.db, tenant, ctx.now() + HEARD).await?;
    retention::set(&ctx.db, tenant, retention).await?;
    Ok(())
}

/// Looks for tenants whose plan says something new, and goes on with the passes under way. Rounds may overlap and
/// may be cut off.
pub async fn run(ctx: &Context) -> Result<Round, Error> {
    let changed = walk(ctx).await?;
    let mut rows = 0;
    for pass in retention::passes(&ctx.db, PASSES).await? {
        if rows >= ROWS {
            break;
        }
        if pass.not_before <= ctx.now() {
            rows += go_on(ctx, pass, ROWS - rows).await?;
        }
    }
    Ok(Round { changed, rows })
}

async fn walk(ctx: &Context) -> Result<usize, Error> {
    let now = ctx.now();
    let walk = retention::walk(&ctx.db).await?.unwrap_or(Walk { next: None, not_before: now });
    if walk.not_before > now {
        return Ok(0);
    }
    let page = tenants::list(&ctx.db, &tenants::Filter::default(), TENANTS, walk.next).await?;
    let ids: Vec<TenantId> = page.items.iter().map(|tenant| tenant.id).collect();
    let known = retention::get_many(&ctx.db, &ids).await?;
    let mut count = 0;
    for tenant in page.items {
        let wanted = tenant.retention(ctx.plans.get(&tenant.plan));
        // Of whom nothing is written down everything is kept.
        if known.get(&tenant.id).copied().unwrap_or_default() != wanted {
            changed(ctx, tenant.id, wanted).await?;
            count += 1;
        }
    }
    let not_before = if page.next.is_none() { now + REST } else { now };
    retention::note_walk(&ctx.db, &Walk { next: page.next, not_before }, now).await?;
    Ok(count)
}

/// Goes on with a pass for so many rows; says how many it read.
async fn go_on(ctx: &Context, mut pass: Pass, most: usize) -> Result<usize, Error> {
    let tenant = pass.tenant;
    let rule = (retention::get(&ctx.db, tenant).await?.unwrap_or_default(), ctx.now());
    let mut of_tenant: Vec<_> = devices::list_all(&ctx.db, tenant).await?;
    of_tenant.sort_unstable_by_key(|device| device.id);
    let mut rows = 0;
    for device in of_tenant {
        if pass.device.is_some_and(|at| device.id < at) {
            continue;
        }
        if pass.device != Some(device.id) {
            pass = Pass { device: Some(device.id), kind: None, generation: None, after: None, ..pass };
        }
        let of_links = device.links().map(|link| (Kind::Chats, link));
        for (kind, link) in std::iter::once((Kind::Messages, device.link())).chain(of_links) {
            let generation = (kind == Kind::Chats).then_some(link.generation);
            if pass.kind.is_some_and(|at| (kind, generation) < (at, pass.generation)) {
                continue;
            }
            if (pass.kind, pass.generation) != (Some(kind), generation) {
                pass = Pass { kind: Some(kind), generation, after: None, ..pass };
            }
            loop {
                let part =
                    retention::adapt(&ctx.db, link, kind, pass.after.as_deref(), rule, AT_A_TIME).await?;
                rows += part.read;
                if part.last.is_none() {
                    break;
                }
                pass.after = part.last;
                if rows >= most {
                    retention::note(&ctx.db, &pass).await?;
                    return Ok(rows);
                }
            }
        }
    }
    retention::end(&ctx.db, &pass).await?;
    Ok(rows)
}
