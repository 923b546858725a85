//! How the lanes of devices stand, under each of their numbers. Only the connector that holds the device writes here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::{Db, StoreError, Table, keys, unreadable::readable};
use crate::domain::{device::Link, lane::Lane};

#[derive(Serialize)]
struct Row<'a> {
    pk: String,
    /// The term of the shard's holder that wrote it.
    epoch: u64,
    #[serde(flatten)]
    lane: &'a Lane,
}

/// What came of writing a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is stored.
    Done,
    /// A later holder of the shard has written it.
    Stale,
}

/// How a device's lane stands.
pub async fn get(db: &Db, link: Link) -> Result<Lane, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Lanes))
        .set_key(Some(key(link)))
        .consistent_read(true)
        .send()
        .await?;
    // A device whose lane cannot be read sends as one that has not sent yet.
    Ok(answer.item.and_then(|item| readable(db, Table::Lanes, item)).unwrap_or_default())
}

/// Writes down how a device's lane stands, unless a later holder of its shard has.
pub async fn put(db: &Db, link: Link, lane: &Lane, epoch: u64) -> Result<Written, StoreError> {
    let row = Row { pk: keys::link_partition(link), epoch, lane };
    let put = db
        .client()
        .put_item()
        .table_name(db.table(Table::Lanes))
        .set_item(Some(db.to_item(Table::Lanes, row)?))
        .condition_expression("attribute_not_exists(epoch) OR epoch <= :epoch")
        .expression_attribute_values(":epoch", AttributeValue::N(epoch.to_string()));
    match put.send().await {
        Ok(_) => Ok(Written::Done),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(Written::Stale)
        }
        Err(error) => Err(error.into()),
    }
}

/// Forgets a device's lane.
pub async fn delete(db: &Db, link: Link) -> Result<(), StoreError> {
    let delete = db.client().delete_item().table_name(db.table(Table::Lanes));
    delete.set_key(Some(key(link))).send().await?;
    Ok(())
}

fn key(link: Link) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".into(), AttributeValue::S(keys::link_partition(link)))])
}
