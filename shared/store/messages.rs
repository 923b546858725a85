//! Messages, by device. The sort key derives from the message's id; for what Kurir sends it is the id that
//! WhatsApp knows the message by, so that a receipt finds its row without another index. Two indexes hold
//! keys only: `by-chat` in time order, and those of [`super::outbox`] and [`super::dead_letters`].

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, query::builders::QueryFluentBuilder, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{batch_get, delete_all, query_page},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        device::Link,
        ids::{DeviceId, MessageId, TenantId},
        jid::Jid,
        message::{Message, MessageStatus},
        retention::Retention,
    },
};

pub use super::step::{Only, Step};

/// A message as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    sk: String,
    chat_pk: String,
    position: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox_position: Option<String>,
    /// Digest of the request that made it, to tell a repeated request from another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_hash: Option<String>,
    /// When it is dropped, in unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
    #[serde(flatten)]
    message: Message,
}

/// What came of storing a message.
#[derive(Debug, Clone)]
pub enum Inserted {
    /// It is stored now.
    New,
    /// It was there before, made by a request with this digest.
    Existing {
        /// The message as it is now.
        message: Box<Message>,
        /// Digest of the request that made it.
        request_hash: Option<String>,
    },
}

/// Stores a message that is to be sent, in the outbox of its device's shard, for as long as `retention` says.
pub async fn insert_outgoing(
    db: &Db,
    tenant: TenantId,
    message: &Message,
    shard: u16,
    request_hash: Option<String>,
    retention: Retention,
) -> Result<Inserted, StoreError> {
    insert(db, tenant, message, Some(shard), request_hash, retention).await
}

/// Stores a message that WhatsApp delivered, for as long as `retention` says.
pub async fn insert_delivered(
    db: &Db,
    tenant: TenantId,
    message: &Message,
    retention: Retention,
) -> Result<Inserted, StoreError> {
    insert(db, tenant, message, None, None, retention).await
}

async fn insert(
    db: &Db,
    tenant: TenantId,
    message: &Message,
    outbox_shard: Option<u16>,
    request_hash: Option<String>,
    retention: Retention,
) -> Result<Inserted, StoreError> {
    let row = Row {
        pk: keys::device_partition(tenant, message.device_id),
        sk: message.id.wa_message_id(),
        chat_pk: keys::chat_partition(message.link(tenant), &message.chat),
        position: keys::position(message.created_at, &message.id.to_string()),
        outbox_shard: outbox_shard.map(keys::shard_partition),
        outbox_position: outbox_shard.map(|_| {
            keys::outbox_position(message.link(tenant), message.priority, message.created_at, message.id)
        }),
        request_hash,
        ttl: retention.until_sent(message.created_at, message.expires_at).map(Timestamp::unix_seconds),
        message: message.clone(),
    };
    let result = db
        .client()
        .put_item()
        .table_name(db.table(Table::Messages))
        .set_item(Some(db.to_item(Table::Messages, row)?))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match result {
        Ok(_) => Ok(Inserted::New),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(e)) => {
                let row: Row = db.read_item(Table::Messages, e.item().cloned().unwrap_or_default())?;
                Ok(Inserted::Existing { message: Box::new(row.message), request_hash: row.request_hash })
            }
            _ => Err(error.into()),
        },
    }
}

/// One message by its id.
pub async fn get(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Messages))
        .set_key(Some(key(tenant, device, &id.wa_message_id())))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.map(|item| db.read_item::<Row>(Table::Messages, item)).transpose()?.map(|row| row.message))
}

/// What came of a step.
#[derive(Debug, Clone)]
pub enum Advanced {
    /// The message as it is now.
    Done(Box<Message>),
    /// The message is past that already, or not one that may take it; as it is now.
    Stale(Box<Message>),
    /// There is no such message.
    Missing,
}

/// Moves a message's status forward, never back. Leaves the outbox with the first status that needs no
/// sending any more. `derived_id` is [`MessageId::wa_message_id`] of the message, which is what receipts
/// for Kurir's own messages name.
pub async fn advance(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    derived_id: &str,
    step: Step,
) -> Result<Advanced, StoreError> {
    advance_from(db, tenant, device, derived_id, step).await.map(|(advanced, _)| advanced)
}

/// The same; with the message as it was before, when it moved.
pub async fn advance_from(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    derived_id: &str,
    step: Step,
) -> Result<(Advanced, Option<Box<Message>>), StoreError> {
    use MessageStatus::Sending;
    let mut request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Messages))
        .set_key(Some(key(tenant, device, derived_id)))
        .expression_attribute_names("#status", "status")
        .return_values(ReturnValue::AllOld)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let mut before = Vec::new();
    for status in MessageStatus::before(step.status) {
        let name = format!(":{}", status.as_str());
        request = request.expression_attribute_values(&name, AttributeValue::S(status.as_str().into()));
        before.push(name);
    }
    let mut update = Update::default().set("status", step.status)?;
    for (name, at) in [("sentAt", step.sent_at), ("deliveredAt", step.delivered_at), ("readAt", step.read_at)]
    {
        if let Some(at) = at {
            update = update.set_if_missing(name, at)?;
        }
    }
    if let Some((error, at)) = &step.failure {
        update = update
            .set("error", error)?
            .set("deadTenant", tenant)?
            .set("deadPosition", keys::position(*at, derived_id))?;
    }
    if step.status == Sending {
        update = update.add("attempts", 1)?;
    } else {
        update = update.remove("outboxShard").remove("outboxPosition");
    }
    let mut condition = format!("#status IN ({})", before.join(", "));
    if let Some(only) = &step.only {
        if only.generation == 0 {
            condition.push_str(" AND attribute_not_exists(linkGeneration)");
        } else {
            condition.push_str(" AND linkGeneration = :generation");
            request = request
                .expression_attribute_values(":generation", AttributeValue::N(only.generation.to_string()));
        }
        if !only.chats.is_empty() {
            let names: Vec<_> = (0..only.chats.len()).map(|n| format!(":chat{n}")).collect();
            condition.push_str(&format!(" AND #chat IN ({})", names.join(", ")));
            request = request.expression_attribute_names("#chat", "chat");
            for (name, chat) in names.into_iter().zip(&only.chats) {
                request = request.expression_attribute_values(name, AttributeValue::S(chat.to_string()));
            }
        }
    }
    let request = request.condition_expression(condition);
    match update.apply(request).send().await {
        Ok(answer) => {
            let row: Row = db.read_item(Table::Messages, answer.attributes.unwrap_or_default())?;
            let after = step.taken_by(&row.message);
            Ok((Advanced::Done(Box::new(after)), Some(Box::new(row.message))))
        }
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(e)) => match e.item() {
                Some(item) => {
                    let row: Row = db.read_item(Table::Messages, item.clone())?;
                    Ok((Advanced::Stale(Box::new(row.message)), None))
                }
                None => Ok((Advanced::Missing, None)),
            },
            _ => Err(error.into()),
        },
    }
}

/// The messages that are stored under these names of one chat, newest first.
pub async fn list_by_chat(
    db: &Db,
    link: Link,
    names: &[Jid],
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Message>, StoreError> {
    let below = from.and_then(|mut key| key.remove(POSITION));
    let parts = names.iter().map(|name| {
        let query = by_chat(db, link, name, below.as_deref()).scan_index_forward(false);
        async move { query_page::<ChatKey>(db, query, &[], limit, None).await }
    });
    let parts = futures::future::try_join_all(parts).await?;
    let is_end = parts.iter().all(|part| part.next.is_none());
    let mut found: Vec<ChatKey> = parts.into_iter().flat_map(|part| part.items).collect();
    found.sort_unstable_by(|a, b| b.position.cmp(&a.position));
    let is_end = is_end && found.len() <= usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| !is_end);
    let next = next.map(|last| LastKey::from([(POSITION.to_owned(), last.position.clone())]));
    let keys: Vec<IndexKey> = found.into_iter().map(|ChatKey { pk, sk, .. }| IndexKey { pk, sk }).collect();
    let mut found = get_many(db, &keys).await?;
    let items = keys.iter().filter_map(|key| found.remove(&key.sk)).collect();
    Ok(Page { items, next })
}

/// Deletes every message of a device.
pub async fn delete_of_device(db: &Db, tenant: TenantId, device: DeviceId) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Messages))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::device_partition(tenant, device)))
        .consistent_read(true)
        .projection_expression("pk, sk");
    delete_all(db, Table::Messages, query).await
}

/// A row's key, as an index shows it.
#[derive(Debug, Deserialize)]
pub(super) struct IndexKey {
    pub pk: String,
    pub sk: String,
}

/// The same with its place in the index `by-chat`, which no other message has.
#[derive(Debug, Deserialize)]
struct ChatKey {
    pk: String,
    sk: String,
    position: String,
}

/// Where a page of a chat ends.
const POSITION: &str = "position";

/// The messages of these rows, by sort key.
pub(super) async fn get_many(
    db: &Db,
    index_keys: &[IndexKey],
) -> Result<HashMap<String, Message>, StoreError> {
    let wanted = index_keys.iter().map(|k| {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(k.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(k.sk.clone())),
        ])
    });
    let rows: Vec<Row> = batch_get(db, Table::Messages, wanted.collect()).await?;
    Ok(rows.into_iter().map(|row| (row.sk, row.message)).collect())
}

/// What is stored under a name of a chat; only what comes before a place when that is given.
fn by_chat(db: &Db, link: Link, name: &Jid, below: Option<&str>) -> QueryFluentBuilder {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Messages))
        .index_name("by-chat")
        .key_condition_expression("chatPk = :chat")
        .expression_attribute_values(":chat", AttributeValue::S(keys::chat_partition(link, name)));
    let Some(below) = below else { return query };
    query
        .key_condition_expression("chatPk = :chat AND #position < :below")
        .expression_attribute_names("#position", POSITION)
        .expression_attribute_values(":below", AttributeValue::S(below.to_owned()))
}

pub(super) fn key(tenant: TenantId, device: DeviceId, derived_id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(keys::device_partition(tenant, device))),
        ("sk".into(), AttributeValue::S(derived_id.into())),
    ])
}
