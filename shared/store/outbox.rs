//! The outbox: an index of the messages that are accepted and not yet sent, by shard, device and the order in
//! which they are to go.

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};
use serde::Deserialize;

use super::{
    Db, Page, StoreError, Table, keys,
    messages::{IndexKey, get_many, key},
    page::query_page,
    update::Update,
};
use crate::{
    clock::Timestamp,
    domain::{
        device::Link,
        ids::{DeviceId, MessageId, TenantId},
        message::{Message, MessageStatus, Priority, SendFailure},
    },
};

const KEYS: [&str; 4] = ["pk", "sk", "outboxShard", "outboxPosition"];

/// A message that waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its device.
    pub device: DeviceId,
    /// Whether it waits behind others.
    pub priority: Priority,
    /// When it was accepted, or asked for again.
    pub queued_at: Timestamp,
    /// Its id.
    pub message: MessageId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    outbox_position: String,
}

/// The first message of each device that has something in a shard's outbox. A device with many costs no more than
/// one with a page of them.
pub async fn first_of_each_device(db: &Db, shard: u16) -> Result<Vec<Waiting>, StoreError> {
    const PAGE: u16 = 200;
    // Behind the last place that begins with anything.
    const END: &str = "~";
    let mut firsts: Vec<Waiting> = Vec::new();
    let mut from = String::from("!");
    loop {
        let query = of_shard_between(db, shard, &from, END);
        let page: Page<Row> = query_page(db, query, &KEYS, PAGE, None).await?;
        for found in page.items.iter().filter_map(waiting) {
            if firsts.last().is_none_or(|last| last.device != found.device) {
                firsts.push(found);
            }
        }
        let Some(last) = page.items.last().filter(|_| page.next.is_some()) else { return Ok(firsts) };
        from = match keys::split_device_partition(&last.pk) {
            Some((_, device)) => keys::outbox_behind(device),
            None => last.outbox_position.clone(),
        };
    }
}

/// The first messages of a link that wait behind `after`, of one priority.
pub async fn of_link(
    db: &Db,
    shard: u16,
    link: Link,
    priority: Priority,
    after: Option<&Waiting>,
    limit: u16,
) -> Result<Vec<Waiting>, StoreError> {
    let prefix = keys::outbox_prefix(link, priority);
    let from = match after {
        Some(w) => keys::outbox_position(link, priority, w.queued_at, w.message),
        None => prefix.clone(),
    };
    // No place equals a mere prefix, and `~` comes behind every character of one.
    let query = of_shard_between(db, shard, &from, &format!("{prefix}~"));
    let page: Page<Row> = query_page(db, query, &KEYS, limit.saturating_add(1), None).await?;
    let found = page.items.iter().filter_map(waiting);
    Ok(found.filter(|w| after.is_none_or(|a| a.message != w.message)).take(usize::from(limit)).collect())
}

/// How many messages of a link wait: `most` when there are more than that.
pub async fn count(db: &Db, shard: u16, link: Link, most: u32) -> Result<u32, StoreError> {
    let (from, to) = keys::outbox_range(link);
    counted(of_shard_between(db, shard, &from, &to), most).await
}

/// How many messages of a shard wait: `most` when there are more than that.
pub async fn count_of_shard(db: &Db, shard: u16, most: u32) -> Result<u32, StoreError> {
    counted(of_shard(db, shard), most).await
}

/// The first messages of a link that wait, of each priority, as they are.
pub async fn front(db: &Db, link: Link, shard: u16, limit: u16) -> Result<Vec<Message>, StoreError> {
    let pk = keys::device_partition(link.tenant, link.device);
    let first = async |priority| {
        let prefix = keys::outbox_prefix(link, priority);
        let query = of_shard_between(db, shard, &prefix, &format!("{prefix}~"));
        query_page::<IndexKey>(db, query, &KEYS, limit, None).await
    };
    let (normal, bulk) = tokio::try_join!(first(Priority::Normal), first(Priority::Bulk))?;
    let own = normal.items.into_iter().chain(bulk.items).filter(|key| key.pk == pk);
    let own: Vec<IndexKey> = own.collect();
    let mut found = get_many(db, &own).await?;
    Ok(own.iter().filter_map(|key| found.remove(&key.sk)).collect())
}

/// Takes a message whose row cannot be read out of the outbox, as failed.
pub async fn give_up(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    derived_id: &str,
    error: &SendFailure,
) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Messages))
        .set_key(Some(key(tenant, device, derived_id)))
        .condition_expression("attribute_exists(pk)");
    let update = Update::default().set("status", MessageStatus::Failed)?.set("error", error)?;
    let update = update.remove("outboxShard").remove("outboxPosition");
    match update.apply(request).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn counted(query: QueryFluentBuilder, most: u32) -> Result<u32, StoreError> {
    let query = query.select(Select::Count);
    let (mut total, mut from) = (0, None);
    while total < most {
        let limit = i32::try_from(most - total).unwrap_or(i32::MAX);
        let page = query.clone().limit(limit).set_exclusive_start_key(from).send().await?;
        total += u32::try_from(page.count).unwrap_or_default();
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    Ok(total.min(most))
}

fn waiting(row: &Row) -> Option<Waiting> {
    let (tenant, device) = keys::split_device_partition(&row.pk)?;
    let (priority, queued_at, message) = keys::split_outbox_position(&row.outbox_position)?;
    Some(Waiting { tenant, device, priority, queued_at, message })
}

fn of_shard(db: &Db, shard: u16) -> QueryFluentBuilder {
    index(db, shard).key_condition_expression("outboxShard = :shard")
}

fn of_shard_between(db: &Db, shard: u16, from: &str, to: &str) -> QueryFluentBuilder {
    index(db, shard)
        .key_condition_expression("outboxShard = :shard AND outboxPosition BETWEEN :from AND :to")
        .expression_attribute_values(":from", AttributeValue::S(from.into()))
        .expression_attribute_values(":to", AttributeValue::S(to.into()))
}

fn index(db: &Db, shard: u16) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Messages))
        .index_name("outbox")
        .expression_attribute_values(":shard", AttributeValue::S(keys::shard_partition(shard)))
}
