//! The log of deliveries.

use crate::{
    domain::{
        ids::WebhookId,
        webhook::{Attempt, AttemptStatus},
    },
    services::{Context, Error, Invalid, Listing, PageRequest, Scope},
    store::deliveries,
};

/// What came of each try for one of the caller's webhooks in the last seven days, newest first; only those with
/// `status` when given.
pub async fn deliveries(
    ctx: &Context,
    scope: &Scope,
    id: WebhookId,
    status: Option<&str>,
    page: PageRequest,
) -> Result<Listing<Attempt>, Error> {
    let tenant = scope.tenant();
    super::get(ctx, scope, id).await?;
    let mut invalid = Invalid::default();
    let status = status.and_then(|text| {
        let expected = format!("must be one of {}", AttemptStatus::ALL.map(AttemptStatus::name).join(", "));
        invalid.take(AttemptStatus::parse(text).ok_or(expected), "status", "status_unknown")
    });
    invalid.check()?;
    let query = format!("webhooks/{id}/deliveries?status={status:?}");
    let (limit, from) = page.read(ctx, tenant, &query)?;
    let page = deliveries::list(&ctx.db, tenant, id, status, limit, from).await?;
    Ok(Listing::of(ctx, tenant, &query, page))
}
