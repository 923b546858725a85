//! Lists in pages.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{
        AttributeValue, ConsumedCapacity, DeleteRequest, KeysAndAttributes, ReturnConsumedCapacity,
        WriteRequest,
    },
};
use serde::de::DeserializeOwned;

use super::{Db, StoreError, Table, unreadable::readable};
use crate::cursor::LastKey;

type Key = HashMap<String, AttributeValue>;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A part of a list, and where the next part begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<LastKey>,
}

impl<T> Page<T> {
    /// The same page with every row turned into something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

/// How many rows are read at a time when a filter may drop most of them.
const FILTERED_READ: i32 = 100;

/// How often it is read for one page at most.
const MOST_READS: usize = 20;

/// How many bytes are read for one page at most, up to what a single answer brings beyond that (1 MB).
pub const MOST_BYTES: usize = 4 << 20;

/// What a read that consumed so many units has read, in bytes.
pub(super) fn bytes_of(consumed: Option<&ConsumedCapacity>, is_consistent: bool) -> usize {
    let units = consumed.and_then(|of| of.capacity_units).unwrap_or_default();
    let unit = if is_consistent { 4096.0 } else { 8192.0 };
    // As casts go: what is no size becomes 0, and what is too large the largest.
    (units * unit) as usize
}

/// Runs a query until `limit` rows are found or the list ends. A filter may make DynamoDB answer with
/// fewer rows than it read; those answers are followed up here, but not without end, nor beyond [`MOST_BYTES`]: a page
/// may be short, or empty, while there is more. `key` names the attributes that a cursor consists of.
pub(super) async fn query_page<T: DeserializeOwned>(
    db: &Db,
    query: QueryFluentBuilder,
    key: &[&str],
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<T>, StoreError> {
    query_page_within(db, MOST_BYTES, query, key, limit, from).await
}

/// The same for a part of a page, which reads its part of the bytes.
pub(super) async fn query_page_within<T: DeserializeOwned>(
    db: &Db,
    most_bytes: usize,
    query: QueryFluentBuilder,
    key: &[&str],
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<T>, StoreError> {
    let (limit, table) = (usize::from(limit), db.table_of(&query));
    let read = match query.get_filter_expression() {
        Some(_) => FILTERED_READ,
        None => i32::try_from(limit).unwrap_or(FILTERED_READ),
    };
    let mut items = Vec::with_capacity(limit);
    let mut from = from.map(to_attributes);
    let query = query.return_consumed_capacity(ReturnConsumedCapacity::Total);
    let is_consistent = query.get_consistent_read().unwrap_or(false);
    let mut bytes = 0;
    for _ in 0..MOST_READS {
        let answer = query.clone().limit(read).set_exclusive_start_key(from).send().await?;
        bytes += bytes_of(answer.consumed_capacity(), is_consistent);
        for item in answer.items.unwrap_or_default() {
            if items.len() == limit {
                let last = items.last().map(|item| key_of(item, key));
                return Ok(finish(db, table, items, last));
            }
            items.push(item);
        }
        from = answer.last_evaluated_key;
        if from.is_none() || items.len() == limit || bytes >= most_bytes {
            break;
        }
    }
    Ok(finish(db, table, items, from.map(to_key)))
}

fn key_of(item: &Key, names: &[&str]) -> LastKey {
    to_key(
        item.iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    )
}

fn finish<T: DeserializeOwned>(db: &Db, table: Table, items: Vec<Key>, next: Option<LastKey>) -> Page<T> {
    Page { items: items.into_iter().filter_map(|item| readable(db, table, item)).collect(), next }
}

/// Runs a query to its end. Only for lists that are bounded by what they are.
pub(super) async fn query_all<T: DeserializeOwned>(
    db: &Db,
    query: QueryFluentBuilder,
) -> Result<Vec<T>, StoreError> {
    let (mut items, table) = (Vec::new(), db.table_of(&query));
    let mut pages = query.into_paginator().items().send();
    while let Some(item) = pages.next().await {
        items.extend(readable(db, table, item?));
    }
    Ok(items)
}

/// Reads rows by key, 100 at a time; what DynamoDB leaves for later is asked for again. Rows that do not
/// exist are left out; the order is DynamoDB's.
pub(super) async fn batch_get<T: DeserializeOwned>(
    db: &Db,
    table: Table,
    keys: Vec<Key>,
) -> Result<Vec<T>, StoreError> {
    let (kind, table) = (table, db.table(table));
    let mut rows = Vec::with_capacity(keys.len());
    for chunk in keys.chunks(100) {
        let mut wanted = chunk.to_vec();
        let mut pause = FIRST_PAUSE;
        while !wanted.is_empty() {
            let keys = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
            let keys = keys.expect("keys are given");
            let answer = db.client().batch_get_item().request_items(table, keys).send().await?;
            for item in answer.responses.unwrap_or_default().remove(table).unwrap_or_default() {
                rows.extend(readable(db, kind, item));
            }
            wanted = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(table)
                .map(|left| left.keys)
                .unwrap_or_default();
            if !wanted.is_empty() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    Ok(rows)
}

/// Deletes every row that a query finds, 25 at a time. The query must select the keys and nothing else.
pub(super) async fn delete_all(db: &Db, table: Table, query: QueryFluentBuilder) -> Result<(), StoreError> {
    let table = db.table(table);
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.next().await {
        for keys in page?.items.unwrap_or_default().chunks(25) {
            let mut wanted: Vec<_> = keys.iter().map(|key| delete_request(key.clone())).collect();
            let mut pause = FIRST_PAUSE;
            while !wanted.is_empty() {
                let answer = db.client().batch_write_item().request_items(table, wanted).send().await?;
                wanted = answer.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
                if !wanted.is_empty() {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
    Ok(())
}

fn delete_request(key: Key) -> WriteRequest {
    let delete = DeleteRequest::builder().set_key(Some(key)).build().expect("a key is given");
    WriteRequest::builder().delete_request(delete).build()
}

fn to_attributes(key: LastKey) -> Key {
    key.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect()
}

fn to_key(attributes: Key) -> LastKey {
    attributes
        .into_iter()
        .filter_map(|(name, value)| match value {
            AttributeValue::S(text) => Some((name, text)),
            _ => None,
        })
        .collect()
}
