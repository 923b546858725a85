//! One try to deliver an event to a webhook.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE};
use tokio::time::Instant;

use super::{OwnWebhook, disable::disable, meter, outcome::Outcome, queue::enqueue, send_on, wait_for};
use crate::{
    clock::Timestamp,
    crypto,
    domain::{
        device::Desired,
        webhook::{
            Attempt, AttemptStatus, DisabledReason, GIVE_UP_AFTER, MAX_BODY_BYTES, SLOW_TRY, SecretError,
            hub_signature, next_pause, signature, webhook_message_id,
        },
    },
    outbound::Request,
    queue::payloads::DeliveryV1,
    services::{Context, Error, scope::rates_of},
    store::{deliveries, devices, tenants, webhooks},
};

/// How long a receiver may take to answer, from the first byte of the connection to the last of the answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Over how long those that waited for a plan's next span are spread.
const SPREAD: Duration = Duration::from_secs(60);

/// What became of an entry of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It was too early, in the wrong queue, or over the plan's limit; it is queued again.
    SentOn,
    /// The receiver took the event.
    Delivered,
    /// It did not; the next try is queued.
    Retrying,
    /// It did not, and there is no next try.
    GivenUp,
    /// Nobody wants it any more.
    Dropped,
}

/// Handles an entry of the queue: a try when it is due, and what follows from its outcome. The entry is to be
/// deleted afterwards.
///
/// # Errors
/// The entry must come again: what follows from it is not stored. The receiver may get the event twice then.
pub async fn deliver(ctx: &Context, delivery: &DeliveryV1) -> Result<Handled, Error> {
    if let Some(ahead) = wait_for(ctx, delivery) {
        send_on(ctx, delivery, ahead).await?;
        return Ok(Handled::SentOn);
    }
    let (tenant, id) = (delivery.account_id, delivery.webhook_id);
    let (webhook, owner) = tokio::try_join!(
        webhooks::get(&ctx.db, &ctx.webhook_secrets, tenant, id),
        tenants::get(&ctx.db, tenant),
    )?;
    let (Some(webhook), Some(owner)) = (webhook, owner) else {
        tracing::info!(%tenant, webhook = %id, delivery = %delivery.delivery_id, "dropped: the webhook is gone");
        return Ok(Handled::Dropped);
    };
    let at = ctx.now();
    if !webhook.webhook.active {
        tracing::info!(%tenant, webhook = %id, delivery = %delivery.delivery_id, "dropped: the webhook is off");
        let error = Some("the webhook is off".to_owned());
        let nothing = Outcome { taken: false, gone: false, status: None, body: None, error };
        record(ctx, delivery, (at, None), nothing, (AttemptStatus::Dropped, None)).await;
        return Ok(Handled::Dropped);
    }
    if (delivery.attempt > 1 || delivery.slow) && is_erased(ctx, delivery).await? {
        let error = Some("the device is gone, and what it received with it".to_owned());
        let nothing = Outcome { taken: false, gone: false, status: None, body: None, error };
        record(ctx, delivery, (at, None), nothing, (AttemptStatus::Dropped, None)).await;
        return Ok(Handled::Dropped);
    }
    if !delivery.slow && webhook.webhook.goes_slowly(delivery.trigger, at) {
        enqueue(ctx, vec![DeliveryV1 { slow: true, ..delivery.clone() }]).await?;
        return Ok(Handled::SentOn);
    }
    if let Some(not_before) = meter::count(ctx, &rates_of(ctx, &owner), delivery).await? {
        // Not all at the first moment of the next span.
        let not_before = not_before + SPREAD.mul_f64(random());
        enqueue(ctx, vec![DeliveryV1 { slow: true, not_before, ..delivery.clone() }]).await?;
        return Ok(Handled::SentOn);
    }
    let began = Instant::now();
    let outcome = attempt(ctx, &webhook, delivery, at).await?;
    let took = began.elapsed();
    settle(ctx, &webhook, delivery, (at, took), outcome).await
}

/// Whether the event tells of a message of a device that was deleted since.
async fn is_erased(ctx: &Context, delivery: &DeliveryV1) -> Result<bool, Error> {
    let Some(device) = delivery.event.device_id.filter(|_| delivery.event.kind.is_of_message()) else {
        return Ok(false);
    };
    let device = devices::get(&ctx.db, delivery.account_id, device).await?;
    Ok(device.is_none_or(|device| device.desired == Desired::Deleted))
}

/// Draws the consequences: the next try first, since nothing else brings it back.
async fn settle(
    ctx: &Context,
    webhook: &OwnWebhook,
    delivery: &DeliveryV1,
    (at, took): (Timestamp, Duration),
    outcome: Outcome,
) -> Result<Handled, Error> {
    let (tenant, id) = (delivery.account_id, delivery.webhook_id);
    let when = (at, Some(took));
    note_slowness(ctx, webhook, took).await;
    if outcome.taken {
        if webhook.webhook.failing_since.is_some() {
            webhooks::works(&ctx.db, tenant, id).await?;
        }
        record(ctx, delivery, when, outcome, (AttemptStatus::Succeeded, None)).await;
        return Ok(Handled::Delivered);
    }
    if outcome.gone {
        disable(ctx, webhook, DisabledReason::Gone).await?;
        record(ctx, delivery, when, outcome, (AttemptStatus::Failed, None)).await;
        return Ok(Handled::GivenUp);
    }
    let pause = next_pause(delivery.attempt, random(), ctx.webhook_retry_scale);
    let next = pause.map(|pause| ctx.now() + pause);
    if let Some(not_before) = next {
        let slow = took >= SLOW_TRY || webhook.webhook.goes_slowly(delivery.trigger, at);
        let next = DeliveryV1 { attempt: delivery.attempt + 1, not_before, slow, ..delivery.clone() };
        enqueue(ctx, vec![next]).await?;
    }
    let status = if next.is_some() { AttemptStatus::Retrying } else { AttemptStatus::Failed };
    record(ctx, delivery, when, outcome, (status, next)).await;
    note_failure(ctx, webhook, at).await;
    Ok(if next.is_some() { Handled::Retrying } else { Handled::GivenUp })
}

/// Between 0 and 1.
fn random() -> f64 {
    f64::from(u32::from_be_bytes(crypto::random_bytes())) / f64::from(u32::MAX)
}

/// Remembers that a webhook is slow. What cannot be stored now, the next slow try stores.
async fn note_slowness(ctx: &Context, webhook: &OwnWebhook, took: Duration) {
    let webhook = &webhook.webhook;
    let Some(until) = webhook.slow_mark(took, ctx.now()) else { return };
    if let Err(error) = webhooks::slow_until(&ctx.db, webhook.account_id, webhook.id, until).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(webhook = %webhook.id, error, "it cannot be noted that a webhook is slow");
    }
}

/// Remembers since when nothing but failures came of a webhook; after days of them it is switched off. What cannot
/// be stored now, the next failure stores.
async fn note_failure(ctx: &Context, webhook: &OwnWebhook, at: Timestamp) {
    let (tenant, id) = (webhook.webhook.account_id, webhook.webhook.id);
    let noted = match webhook.webhook.failing_since {
        None => webhooks::fails_since(&ctx.db, tenant, id, at).await.map(|_| ()).map_err(Error::from),
        Some(since) if at.since(since) >= GIVE_UP_AFTER.mul_f64(ctx.webhook_retry_scale) => {
            disable(ctx, webhook, DisabledReason::Failing).await
        }
        Some(_) => Ok(()),
    };
    if let Err(error) = noted {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(webhook = %id, error, "it cannot be noted that a webhook fails");
    }
}

/// Sends the event.
async fn attempt(
    ctx: &Context,
    webhook: &OwnWebhook,
    delivery: &DeliveryV1,
    at: Timestamp,
) -> Result<Outcome, Error> {
    let body = serde_json::to_vec(&delivery.event).map_err(Error::internal)?;
    let headers = headers(webhook, delivery, at, &body).map_err(Error::internal)?;
    let url = webhook.webhook.url.as_str();
    let request =
        Request { method: Method::POST, url, headers, body, timeout: TIMEOUT, max_body: MAX_BODY_BYTES };
    Ok(Outcome::of(ctx.outbound.send(request).await))
}

/// The owner's headers, and Kurir's own on top of them.
fn headers(
    webhook: &OwnWebhook,
    delivery: &DeliveryV1,
    at: Timestamp,
    body: &[u8],
) -> Result<HeaderMap, SecretError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &webhook.headers {
        // Both were checked when they were stored.
        if let (Ok(name), Ok(mut value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.expose()))
        {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    let id = webhook_message_id(delivery.event.id, webhook.webhook.id);
    let mut signatures = signature(&webhook.secret, &id, at, body)?;
    let overlap = webhook.webhook.previous_secret_until.is_some_and(|until| until > at);
    if let (Some(previous), true) = (&webhook.previous_secret, overlap) {
        signatures = format!("{signatures} {}", signature(previous, &id, at, body)?);
    }
    let own = [
        ("webhook-id", id),
        ("webhook-timestamp", at.unix_seconds().to_string()),
        ("webhook-signature", signatures),
        ("x-hub-signature-256", hub_signature(&webhook.secret, body)),
    ];
    for (name, value) in own {
        let value = HeaderValue::try_from(value).expect("ids, numbers and base64 are fit for headers");
        headers.insert(HeaderName::from_static(name), value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(headers)
}

/// Writes a try into the log. A log that cannot be written is no reason to deliver again.
async fn record(
    ctx: &Context,
    delivery: &DeliveryV1,
    (at, took): (Timestamp, Option<Duration>),
    outcome: Outcome,
    (status, next_attempt_at): (AttemptStatus, Option<Timestamp>),
) {
    let attempt = Attempt {
        delivery_id: delivery.delivery_id,
        event_id: delivery.event.id,
        event_type: delivery.event.kind,
        trigger: delivery.trigger,
        attempt: delivery.attempt,
        status,
        response_status: outcome.status,
        response_body: outcome.body,
        latency_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        error: outcome.error,
        at,
        next_attempt_at,
    };
    let recorded = deliveries::record(&ctx.db, delivery.account_id, delivery.webhook_id, &attempt).await;
    if let Err(error) = recorded {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(webhook = %delivery.webhook_id, error, "a delivery is not in the log");
    }
}
