//! Making a webhook.

use std::{collections::BTreeMap, time::Duration};

use super::{OwnWebhook, check};
use crate::{
    domain::{
        ids::{DeviceId, WebhookId},
        webhook::{MAX_WEBHOOKS, Webhook, new_secret},
    },
    secret::Secret,
    services::{Context, Error, ErrorCode, Invalid, Scope, devices},
    store::webhooks,
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where events are to be sent to.
    pub url: String,
    /// Which, as patterns.
    pub events: Vec<String>,
    /// Of which devices; of all when empty.
    pub device_ids: Vec<DeviceId>,
    /// With which headers.
    pub headers: BTreeMap<String, Secret>,
    /// Whether at once.
    pub active: bool,
}

/// Makes a webhook. Its secret is in the answer.
pub async fn create(ctx: &Context, scope: &Scope, input: NewWebhook) -> Result<OwnWebhook, Error> {
    let tenant = scope.tenant();
    let mut invalid = Invalid::default();
    let url = check::url(ctx, &mut invalid, &input.url).await;
    let events = check::events(&mut invalid, &input.events);
    devices::check_ids(ctx, scope, &mut invalid, &input.device_ids).await?;
    check::headers(&mut invalid, &input.headers);
    invalid.check()?;
    if webhooks::all(&ctx.db, tenant).await?.len() >= MAX_WEBHOOKS {
        return Err(too_many());
    }
    let now = ctx.now();
    let webhook = Webhook {
        id: WebhookId::generate(now),
        account_id: tenant,
        url,
        events,
        device_ids: input.device_ids,
        active: input.active,
        disabled_reason: None,
        failing_since: None,
        slow_until: None,
        previous_secret_until: None,
        created_at: now,
        updated_at: now,
    };
    let id = webhook.id;
    let made = OwnWebhook { webhook, secret: new_secret(), previous_secret: None, headers: input.headers };
    webhooks::create(&ctx.db, &ctx.webhook_secrets, &made).await?;
    // Others may have been made at the same time: the newest ones go again.
    let mut all: Vec<_> = webhooks::all(&ctx.db, tenant).await?.iter().map(|webhook| webhook.id).collect();
    all.sort_unstable();
    if all.iter().skip(MAX_WEBHOOKS).any(|one| *one == id) {
        webhooks::withdraw(&ctx.db, tenant, id).await?;
        return Err(too_many());
    }
    Ok(made)
}

fn too_many() -> Error {
    let detail = format!("an account has at most {MAX_WEBHOOKS} webhooks; delete one first");
    // There is no time at which this changes by itself.
    Error::new(ErrorCode::QuotaExceeded, detail).retry_after(Duration::from_secs(3600))
}
