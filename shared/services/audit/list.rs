//! Reading the audit log.

use super::address;
use crate::{
    clock::Timestamp,
    domain::{
        actor::ActorKind,
        audit::{AuditEntry, Outcome},
        permissions::Permission,
    },
    services::{Context, Error, Listing, PageRequest, Scope},
    store::audit::{self, Filter},
};

/// Which entries are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// What was done.
    pub action: Option<String>,
    /// Who did it: an id.
    pub actor: Option<String>,
    /// To what: an id, or an e-mail address of a login.
    pub target: Option<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
}

/// What was done, newest first: in all tenants for an administrator who acts in none, in the whole tenant for its
/// owners, else by the caller.
pub async fn list(
    ctx: &Context,
    scope: &Scope,
    filter: AuditFilter,
    page: PageRequest,
) -> Result<Listing<AuditEntry>, Error> {
    let is_acting = scope.actor.kind() == ActorKind::Administrator;
    let all = scope.allows(Permission::ManageTenants) && !is_acting;
    let whole = scope.allows(Permission::ManageMembers);
    let own = scope.actor.id().filter(|_| !whole);
    let filter = Filter {
        action: filter.action,
        actor: own.clone().or(filter.actor),
        // An address is looked for by what stands for it.
        target: filter.target.map(|target| address(ctx, &target).unwrap_or(target)),
        outcome: filter.outcome,
        since: filter.since,
    };
    let query = format!("audit-log?all={all}&{filter:?}");
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let page = match all {
        true => audit::list_all(&ctx.db, &filter, limit, from, ctx.now()).await?,
        false => audit::list(&ctx.db, scope.tenant(), &filter, limit, from).await?,
    };
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}
