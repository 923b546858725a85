//! Webhooks by tenant. Secrets and own headers are sealed under the master key, each bound to its row.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    operation::{query::builders::QueryFluentBuilder, update_item::builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table,
    page::{delete_all, query_all, query_page},
    update::Update,
};
use crate::{
    clock::Timestamp,
    crypto::{OpenError, Sealer},
    cursor::LastKey,
    domain::{
        event::EventPattern,
        ids::{DeviceId, TenantId, WebhookId},
        webhook::{DisabledReason, Webhook},
    },
    secret::Secret,
};

/// How long the row of a deleted webhook remembers that there may be a log of its deliveries.
const MEMORY: std::time::Duration = std::time::Duration::from_secs(8 * 24 * 3600);

/// Headers of a webhook's owner.
pub type OwnHeaders = BTreeMap<String, Secret>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(flatten)]
    webhook: Webhook,
    secret: String,
    previous_secret: Option<String>,
    headers: String,
}

/// A webhook with what only its deliveries and its owner need.
#[derive(Debug, Clone)]
pub struct Unsealed {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret that signs.
    pub secret: Secret,
    /// The one before, for as long as it signs beside it.
    pub previous_secret: Option<Secret>,
    /// Its owner's headers.
    pub headers: OwnHeaders,
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Where to.
    pub url: Option<String>,
    /// Which events.
    pub events: Option<Vec<EventPattern>>,
    /// Of which devices.
    pub device_ids: Option<Vec<DeviceId>>,
    /// With which headers.
    pub headers: Option<OwnHeaders>,
    /// Whether at all. Switching it on forgets that it failed.
    pub active: Option<bool>,
}

/// Stores a new webhook.
pub async fn create(db: &Db, sealer: &Sealer, new: &Unsealed) -> Result<(), StoreError> {
    let (tenant, id) = (new.webhook.account_id, new.webhook.id);
    let row = Row {
        webhook: new.webhook.clone(),
        secret: seal(sealer, tenant, id, "secret", new.secret.expose()),
        previous_secret: None,
        headers: seal_headers(sealer, tenant, id, &new.headers),
    };
    db.client()
        .put_item()
        .table_name(db.table(Table::Webhooks))
        .set_item(Some(db.to_item(Table::Webhooks, row)?))
        .condition_expression("attribute_not_exists(id)")
        .send()
        .await?;
    Ok(())
}

/// One webhook with its secrets.
pub async fn get(
    db: &Db,
    sealer: &Sealer,
    tenant: TenantId,
    id: WebhookId,
) -> Result<Option<Unsealed>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Webhooks))
        .set_key(Some(key(tenant, id)))
        .consistent_read(true)
        .send()
        .await?;
    // What is left of a deleted one has not the form of a webhook.
    let item = answer.item.filter(|item| !item.contains_key("deletedAt"));
    item.map(|item| unseal(sealer, db.read_item(Table::Webhooks, item)?)).transpose()
}

/// A tenant's webhooks, oldest first.
pub async fn list(
    db: &Db,
    sealer: &Sealer,
    tenant: TenantId,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Unsealed>, StoreError> {
    let page: Page<Row> = query_page(db, present(db, tenant), &["accountId", "id"], limit, from).await?;
    let items = page.items.into_iter().map(|row| unseal(sealer, row)).collect::<Result<_, _>>()?;
    Ok(Page { items, next: page.next })
}

/// All of a tenant's webhooks without their secrets: few, since their number is limited.
pub async fn all(db: &Db, tenant: TenantId) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = query_all(db, present(db, tenant)).await?;
    Ok(rows.into_iter().map(|row| row.webhook).collect())
}

/// The ids of all that a tenant has, or had in the last week.
pub async fn ids_with_deleted(db: &Db, tenant: TenantId) -> Result<Vec<WebhookId>, StoreError> {
    #[derive(Deserialize)]
    struct Id {
        id: WebhookId,
    }
    let rows: Vec<Id> = query_all(db, of_tenant(db, tenant).projection_expression("id")).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Changes a webhook; the webhook as it is now.
pub async fn change(
    db: &Db,
    sealer: &Sealer,
    (tenant, id): (TenantId, WebhookId),
    change: Change,
    now: Timestamp,
) -> Result<Option<Unsealed>, StoreError> {
    let headers = change.headers.map(|headers| seal_headers(sealer, tenant, id, &headers));
    let mut update = Update::default()
        .set("updatedAt", now)?
        .set_some("url", change.url)?
        .set_some("events", change.events)?
        .set_some("deviceIds", change.device_ids)?
        .set_some("headers", headers)?
        .set_some("active", change.active)?;
    if change.active.is_some() {
        update = update.remove("disabledReason").remove("failingSince");
    }
    updated(sealer, update.apply(existing(db, tenant, id))).await
}

/// Gives a webhook another secret, unless it was changed since `before` was read. The one before signs beside
/// it until `overlap_end`.
pub async fn rotate(
    db: &Db,
    sealer: &Sealer,
    before: &Unsealed,
    secret: &Secret,
    overlap_end: Timestamp,
    now: Timestamp,
) -> Result<Option<Unsealed>, StoreError> {
    let (tenant, id) = (before.webhook.account_id, before.webhook.id);
    let previous = seal(sealer, tenant, id, "previousSecret", before.secret.expose());
    let update = Update::default()
        .set("secret", seal(sealer, tenant, id, "secret", secret.expose()))?
        .set("previousSecret", previous)?
        .set("previousSecretUntil", overlap_end)?
        .set("updatedAt", now)?;
    let request = existing(db, tenant, id)
        .condition_expression("attribute_not_exists(deletedAt) AND updatedAt = :before")
        .expression_attribute_values(":before", AttributeValue::S(before.webhook.updated_at.to_string()));
    updated(sealer, update.apply(request)).await
}

/// Switches a webhook off for a reason of Kurir's. Says whether it was on.
pub async fn disable(
    db: &Db,
    tenant: TenantId,
    id: WebhookId,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Webhooks))
        .set_key(Some(key(tenant, id)))
        .condition_expression("attribute_exists(id) AND attribute_not_exists(deletedAt) AND active = :on")
        .expression_attribute_values(":on", AttributeValue::Bool(true));
    let update =
        Update::default().set("active", false)?.set("disabledReason", reason)?.set("updatedAt", now)?;
    was_so(update.apply(request).send().await)
}

/// Remembers that a webhook fails since `since`, unless it is known to fail already.
pub async fn fails_since(
    db: &Db,
    tenant: TenantId,
    id: WebhookId,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let request = existing(db, tenant, id);
    was_so(Update::default().set_if_missing("failingSince", since)?.apply(request).send().await)
}

/// Forgets that a webhook failed.
pub async fn works(db: &Db, tenant: TenantId, id: WebhookId) -> Result<bool, StoreError> {
    let request = existing(db, tenant, id);
    was_so(Update::default().remove("failingSince").apply(request).send().await)
}

/// Remembers until when a webhook counts as slow.
pub async fn slow_until(
    db: &Db,
    tenant: TenantId,
    id: WebhookId,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let request = existing(db, tenant, id);
    was_so(Update::default().set("slowUntil", until)?.apply(request).send().await)
}

/// Deletes a webhook. Says whether there was one. The row stays a while without anything that was in it.
pub async fn delete(db: &Db, tenant: TenantId, id: WebhookId, now: Timestamp) -> Result<bool, StoreError> {
    let update = Update::default()
        .set("deletedAt", now)?
        .set("ttl", (now + MEMORY).unix_seconds())?
        .set("active", false)?
        .remove("secret")
        .remove("previousSecret")
        .remove("headers")
        .remove("url");
    was_so(update.apply(existing(db, tenant, id)).send().await)
}

/// Takes back a webhook that was one too many.
pub async fn withdraw(db: &Db, tenant: TenantId, id: WebhookId) -> Result<(), StoreError> {
    let request = db.client().delete_item().table_name(db.table(Table::Webhooks));
    request.set_key(Some(key(tenant, id))).send().await?;
    Ok(())
}

/// Forgets the webhooks of a tenant.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    delete_all(db, Table::Webhooks, of_tenant(db, tenant).projection_expression("accountId, id")).await
}

fn of_tenant(db: &Db, tenant: TenantId) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Webhooks))
        .consistent_read(true)
        .key_condition_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(tenant.to_string()))
}

fn present(db: &Db, tenant: TenantId) -> QueryFluentBuilder {
    of_tenant(db, tenant).filter_expression("attribute_not_exists(deletedAt)")
}

/// An update of a webhook that is there.
fn existing(db: &Db, tenant: TenantId, id: WebhookId) -> UpdateItemFluentBuilder {
    db.client()
        .update_item()
        .table_name(db.table(Table::Webhooks))
        .set_key(Some(key(tenant, id)))
        .condition_expression("attribute_exists(id) AND attribute_not_exists(deletedAt)")
}

/// Sends an update; the webhook as it is then, or nothing when there is none.
async fn updated(sealer: &Sealer, request: UpdateItemFluentBuilder) -> Result<Option<Unsealed>, StoreError> {
    match request.return_values(ReturnValue::AllNew).send().await {
        Ok(answer) => {
            let row = answer.attributes.map(serde_dynamo::from_item).transpose()?;
            row.map(|row| unseal(sealer, row)).transpose()
        }
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

type Updated = Result<
    aws_sdk_dynamodb::operation::update_item::UpdateItemOutput,
    aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::update_item::UpdateItemError>,
>;

/// Whether the condition of an update held.
fn was_so(result: Updated) -> Result<bool, StoreError> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn unseal(sealer: &Sealer, row: Row) -> Result<Unsealed, StoreError> {
    let (tenant, id) = (row.webhook.account_id, row.webhook.id);
    let secret = open(sealer, tenant, id, "secret", &row.secret)?;
    let previous = row.previous_secret.map(|text| open(sealer, tenant, id, "previousSecret", &text));
    let headers = open(sealer, tenant, id, "headers", &row.headers)?;
    Ok(Unsealed {
        secret,
        previous_secret: previous.transpose()?,
        headers: serde_json::from_str(headers.expose()).map_err(|_| OpenError)?,
        webhook: row.webhook,
    })
}

fn seal_headers(sealer: &Sealer, tenant: TenantId, id: WebhookId, headers: &OwnHeaders) -> String {
    let text = Secret::new(serde_json::to_string(headers).unwrap_or_default());
    seal(sealer, tenant, id, "headers", text.expose())
}

fn seal(sealer: &Sealer, tenant: TenantId, id: WebhookId, what: &str, plain: &str) -> String {
    STANDARD.encode(sealer.seal(&place(tenant, id, what), plain.as_bytes()))
}

fn open(
    sealer: &Sealer,
    tenant: TenantId,
    id: WebhookId,
    what: &str,
    sealed: &str,
) -> Result<Secret, OpenError> {
    let sealed = STANDARD.decode(sealed).map_err(|_| OpenError)?;
    let plain = sealer.open(&place(tenant, id, what), &sealed)?;
    String::from_utf8(plain).map(Secret::new).map_err(|_| OpenError)
}

fn place(tenant: TenantId, id: WebhookId, what: &str) -> Vec<u8> {
    format!("{tenant}|{id}|{what}").into_bytes()
}

fn key(tenant: TenantId, id: WebhookId) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("accountId".into(), AttributeValue::S(tenant.to_string())),
        ("id".into(), AttributeValue::S(id.to_string())),
    ])
}
