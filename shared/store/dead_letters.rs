//! Messages that failed for good, by tenant, newest first: an index of `messages`.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::{
    Db, Page, StoreError, Table, keys,
    messages::{IndexKey, get_many, key},
    page::query_page,
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        ids::{DeviceId, MessageId, TenantId},
        message::{Message, MessageStatus},
        retention::Retention,
    },
};

/// A tenant's messages that failed for good, the latest failure first; only those of one device when given.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    device: Option<DeviceId>,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Message>, StoreError> {
    let mut query = db
        .client()
        .query()
        .table_name(db.table(Table::Messages))
        .index_name("dead-letters")
        .key_condition_expression("deadTenant = :tenant")
        .expression_attribute_values(":tenant", AttributeValue::S(tenant.to_string()))
        .scan_index_forward(false);
    if let Some(device) = device {
        let pk = AttributeValue::S(keys::device_partition(tenant, device));
        query = query.filter_expression("pk = :pk").expression_attribute_values(":pk", pk);
    }
    let page: Page<IndexKey> =
        query_page(db, query, &["pk", "sk", "deadTenant", "deadPosition"], limit, from).await?;
    let mut found = get_many(db, &page.items).await?;
    // The index may be a moment behind the rows.
    let failed = |message: &Message| message.status == MessageStatus::Failed;
    let items = page.items.iter().filter_map(|key| found.remove(&key.sk)).filter(failed).collect();
    Ok(Page { items, next: page.next })
}

/// A message of any of these devices by its id, whatever became of it.
pub async fn find(
    db: &Db,
    tenant: TenantId,
    devices: &[DeviceId],
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let sk = id.wa_message_id();
    let places = devices.iter().map(|device| keys::device_partition(tenant, *device));
    let wanted: Vec<IndexKey> = places.map(|pk| IndexKey { pk, sk: sk.clone() }).collect();
    Ok(get_many(db, &wanted).await?.remove(&sk))
}

/// Puts a failed message back into the outbox, as if it had just been accepted, but under the same ids. `None`
/// when it has not failed.
pub async fn requeue(
    db: &Db,
    tenant: TenantId,
    message: &Message,
    shard: u16,
    now: Timestamp,
    expires_at: Timestamp,
    retention: Retention,
) -> Result<Option<Message>, StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Messages))
        .set_key(Some(key(tenant, message.device_id, &message.id.wa_message_id())))
        .condition_expression("#status = :failed")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":failed", AttributeValue::S(MessageStatus::Failed.as_str().into()))
        .return_values(ReturnValue::AllNew);
    let position = keys::outbox_position(message.link(tenant), message.priority, now, message.id);
    let update = Update::default()
        .set("status", MessageStatus::Queued)?
        .set("attempts", 0)?
        .set("expiresAt", expires_at)?
        .set_some(
            "ttl",
            retention.until_sent(message.created_at, Some(expires_at)).map(Timestamp::unix_seconds),
        )?
        .set("outboxShard", keys::shard_partition(shard))?
        .set("outboxPosition", position)?
        .remove("error")
        .remove("deadTenant")
        .remove("deadPosition");
    match update.apply(request).send().await {
        Ok(answer) => Ok(Some(db.read_item(Table::Messages, answer.attributes.unwrap_or_default())?)),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
