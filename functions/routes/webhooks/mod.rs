//! `/v1/webhooks`: where events are sent to.

pub(super) mod change;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod deliveries;
pub(super) mod get;
pub(super) mod list;
pub(super) mod redeliver;
pub(super) mod replay;
pub(super) mod rotate_secret;
pub(super) mod test;

use std::collections::BTreeMap;

use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::{
        event::EventPattern,
        ids::{DeliveryId, DeviceId, WebhookId},
        permissions::Permission,
        webhook::{DisabledReason, shown_url},
    },
    secret::Secret,
    services::{Scope, webhooks::OwnWebhook},
};
use utoipa::ToSchema;

/// What stands for a header's value where it is not shown.
const HIDDEN: &str = "[hidden]";

/// A webhook as its owner sees it; the secret only in the answers that made it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WebhookBody {
    id: WebhookId,
    /// Who may not change the webhook sees scheme, host and the first part of the path alone.
    url: String,
    /// Which events: types, families like `message.*`, or `*`.
    events: Vec<EventPattern>,
    /// Of which devices; of all, and also what is of no device, when empty.
    device_ids: Vec<DeviceId>,
    /// Sent with each delivery. Who may not change the webhook sees the names alone.
    headers: BTreeMap<String, String>,
    active: bool,
    /// Why it is off, when Kurir switched it off.
    disabled_reason: Option<DisabledReason>,
    /// Since when every try has failed.
    failing_since: Option<Timestamp>,
    /// Until when its deliveries wait behind those of other slow receivers, because it let Kurir wait.
    slow_until: Option<Timestamp>,
    /// Until when the secret before the present one signs as well.
    previous_secret_until: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Secret>,
}

impl WebhookBody {
    /// Without the secret.
    fn of(own: OwnWebhook, scope: &Scope) -> Self {
        let shown = scope.allows(Permission::ManageWebhooks);
        let value = |value: &Secret| if shown { value.expose() } else { HIDDEN }.to_owned();
        let webhook = own.webhook;
        Self {
            id: webhook.id,
            url: if shown { webhook.url } else { shown_url(&webhook.url) },
            events: webhook.events,
            device_ids: webhook.device_ids,
            headers: own.headers.iter().map(|(name, text)| (name.clone(), value(text))).collect(),
            active: webhook.active,
            disabled_reason: webhook.disabled_reason,
            failing_since: webhook.failing_since,
            slow_until: webhook.slow_until,
            previous_secret_until: webhook.previous_secret_until,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
            secret: None,
        }
    }

    /// With the secret, for the one answer that shows it.
    fn showing_secret(own: OwnWebhook, scope: &Scope) -> Self {
        let secret = own.secret.clone();
        Self { secret: Some(secret), ..Self::of(own, scope) }
    }
}

/// A delivery that was queued.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueuedBody {
    /// By which the log has it once it was tried.
    delivery_id: DeliveryId,
}

/// Headers as they are given.
fn headers(given: BTreeMap<String, String>) -> BTreeMap<String, Secret> {
    given.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}
