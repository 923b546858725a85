//! Bringing rows that are stored under another rule of how long they are kept.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::super::{Db, StoreError, Table, keys};
use crate::{
    clock::Timestamp,
    domain::{device::Link, retention::Retention},
};

/// Writes at a time.
const AT_A_TIME: usize = 16;

/// What has its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Messages and their receipts, from when they were stored.
    Messages,
    /// Chats, from their newest message.
    Chats,
}

impl Kind {
    /// Its table, the sort key of that, and the attribute that it is kept from.
    fn place(self) -> (Table, &'static str, &'static str) {
        match self {
            Self::Messages => (Table::Messages, "sk", "createdAt"),
            Self::Chats => (Table::Chats, "chat", "lastMessageAt"),
        }
    }
}

/// What came of a part of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapted {
    /// How many rows were read.
    pub read: usize,
    /// The last of them; `None` when they were the last of all.
    pub last: Option<String>,
}

/// Brings up to `limit` rows of one kind, of a link or, of messages, of its whole device, behind `after`, under a rule. Rows that are under it are read
/// only.
pub async fn adapt(
    db: &Db,
    link: Link,
    kind: Kind,
    after: Option<&str>,
    (retention, now): (Retention, Timestamp),
    limit: u16,
) -> Result<Adapted, StoreError> {
    let (table, sort_key, since) = kind.place();
    let partition = match kind {
        Kind::Messages => keys::device_partition(link.tenant, link.device),
        Kind::Chats => keys::link_partition(link),
    };
    let key = |sk: &str| {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(partition.clone())),
            (sort_key.to_owned(), AttributeValue::S(sk.to_owned())),
        ])
    };
    let answer = db
        .client()
        .query()
        .table_name(db.table(table))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(partition.clone()))
        .set_exclusive_start_key(after.map(key))
        .limit(i32::from(limit))
        .send()
        .await?;
    let items = answer.items.unwrap_or_default();
    let read = items.len();
    let stale = items.iter().filter_map(|item| {
        let wanted = wanted(item, since, retention, now);
        let is_under_it = match (number(item), wanted) {
            (None, None) => true,
            // What is kept from now on differs a little each time.
            (Some(has), Some(wanted)) => {
                has == wanted || (!item.contains_key(since) && (has - wanted).abs() < 86_400)
            }
            _ => false,
        };
        let sk = item.get(sort_key)?.as_s().ok()?;
        (!is_under_it).then(|| (key(sk), wanted))
    });
    let stale: Vec<_> = stale.collect();
    stream::iter(stale.into_iter().map(Ok::<_, StoreError>))
        .try_for_each_concurrent(AT_A_TIME, async |(key, until)| set_ttl(db, table, key, until).await)
        .await?;
    let last = answer.last_evaluated_key.and_then(|mut last| match last.remove(sort_key) {
        Some(AttributeValue::S(last)) => Some(last),
        _ => None,
    });
    Ok(Adapted { read, last })
}

/// When a row is to go, in unix seconds.
fn wanted(
    item: &HashMap<String, AttributeValue>,
    since: &str,
    retention: Retention,
    now: Timestamp,
) -> Option<i64> {
    let time = |name: &str| item.get(name)?.as_s().ok()?.parse::<Timestamp>().ok();
    // What has no time of its own, such as receipts, is kept from now on: rather too long than too short.
    let since = time(since).unwrap_or(now);
    Some(retention.until_sent(since, time("expiresAt"))?.unix_seconds())
}

fn number(item: &HashMap<String, AttributeValue>) -> Option<i64> {
    item.get("ttl")?.as_n().ok()?.parse().ok()
}

async fn set_ttl(
    db: &Db,
    table: Table,
    key: HashMap<String, AttributeValue>,
    until: Option<i64>,
) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(table))
        .set_key(Some(key))
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_names("#ttl", "ttl");
    let request = match until {
        Some(until) => request
            .update_expression("SET #ttl = :ttl")
            .expression_attribute_values(":ttl", AttributeValue::N(until.to_string())),
        None => request.update_expression("REMOVE #ttl"),
    };
    match request.send().await {
        Ok(_) => Ok(()),
        // Gone meanwhile.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
