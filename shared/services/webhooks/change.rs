//! Changing a webhook.

use std::collections::BTreeMap;

use super::{OwnWebhook, check, not_found};
use crate::{
    domain::ids::{DeviceId, WebhookId},
    secret::Secret,
    services::{Context, Error, Invalid, Scope, devices},
    store::webhooks::{self, Change},
};

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Another address.
    pub url: Option<String>,
    /// Other patterns.
    pub events: Option<Vec<String>>,
    /// Other devices; all when empty.
    pub device_ids: Option<Vec<DeviceId>>,
    /// Other headers, in place of all that there were.
    pub headers: Option<BTreeMap<String, Secret>>,
    /// On or off.
    pub active: Option<bool>,
}

/// Changes one of the caller's webhooks. Switching it on forgets why it was off.
pub async fn change(
    ctx: &Context,
    scope: &Scope,
    id: WebhookId,
    input: WebhookChange,
) -> Result<OwnWebhook, Error> {
    let tenant = scope.tenant();
    // What is not the caller's is not there, whatever is wrong with the change.
    super::get(ctx, scope, id).await?;
    let mut invalid = Invalid::default();
    let url = match &input.url {
        Some(url) => Some(check::url(ctx, &mut invalid, url).await),
        None => None,
    };
    let events = input.events.map(|events| check::events(&mut invalid, &events));
    devices::check_ids(ctx, scope, &mut invalid, input.device_ids.as_deref().unwrap_or_default()).await?;
    if let Some(headers) = &input.headers {
        check::headers(&mut invalid, headers);
    }
    invalid.check()?;
    let WebhookChange { device_ids, headers, active, .. } = input;
    let change = Change { url, events, device_ids, headers, active };
    webhooks::change(&ctx.db, &ctx.webhook_secrets, (tenant, id), change, ctx.now())
        .await?
        .ok_or_else(not_found)
}
