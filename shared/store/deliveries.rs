//! The log of deliveries, by webhook: one row for each try, so that a try costs one write of its own size (one
//! unit for most, three with an answer of 2 KB), however many were before it.

use std::time::Duration;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{delete_all, query_page},
};
use crate::{
    cursor::LastKey,
    domain::{
        ids::{DeliveryId, TenantId, WebhookId},
        webhook::{Attempt, AttemptStatus},
    },
};

/// How long tries are remembered.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    attempt: Attempt,
}

/// Writes down a try. One that is made twice is written down once.
pub async fn record(
    db: &Db,
    tenant: TenantId,
    webhook: WebhookId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let row = Row {
        pk: keys::webhook_partition(tenant, webhook),
        sk: keys::attempt(attempt.delivery_id, attempt.attempt),
        ttl: (attempt.at + LIFETIME).unix_seconds(),
        attempt: attempt.clone(),
    };
    db.client()
        .put_item()
        .table_name(db.table(Table::Deliveries))
        .set_item(Some(db.to_item(Table::Deliveries, row)?))
        .send()
        .await?;
    Ok(())
}

/// The tries of a webhook, newest delivery first; only those with `status` when given.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    webhook: WebhookId,
    status: Option<AttemptStatus>,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Attempt>, StoreError> {
    let mut query = of_webhook(db, tenant, webhook).scan_index_forward(false);
    if let Some(status) = status {
        query = query
            .filter_expression("#status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", serde_dynamo::to_attribute_value(status)?);
    }
    let page: Page<Row> = query_page(db, query, &["pk", "sk"], limit, from).await?;
    Ok(page.map(|row| row.attempt))
}

/// The newest try of a delivery.
pub async fn last(
    db: &Db,
    tenant: TenantId,
    webhook: WebhookId,
    delivery: DeliveryId,
) -> Result<Option<Attempt>, StoreError> {
    let query = of_webhook(db, tenant, webhook)
        .scan_index_forward(false)
        .key_condition_expression("pk = :pk AND begins_with(sk, :delivery)")
        .expression_attribute_values(":delivery", AttributeValue::S(delivery.to_string()));
    let page: Page<Row> = query_page(db, query, &["pk", "sk"], 1, None).await?;
    Ok(page.items.into_iter().next().map(|row| row.attempt))
}

/// Forgets the tries of a webhook.
pub async fn delete_of_webhook(db: &Db, tenant: TenantId, webhook: WebhookId) -> Result<(), StoreError> {
    delete_all(db, Table::Deliveries, of_webhook(db, tenant, webhook).projection_expression("pk, sk")).await
}

fn of_webhook(db: &Db, tenant: TenantId, webhook: WebhookId) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Deliveries))
        .consistent_read(true)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::webhook_partition(tenant, webhook)))
}
