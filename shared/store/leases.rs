//! Who holds which shard. All rows lie in one partition, so that one query reads them.
//!
//! A row's counter moves with every write: whoever sees it stand still knows that nobody renews the lease. Its
//! epoch moves with every change of hands.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{
        UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder as UpdateRequest,
    },
    types::AttributeValue,
};
use serde::Deserialize;

use super::{Db, StoreError, Table, keys, page::query_all};
use crate::domain::ids::WorkerId;

/// A lease as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// The shard.
    pub shard: u16,
    /// Who holds it, unless it was given up.
    pub owner: Option<WorkerId>,
    /// The term of who holds it, or held it last.
    pub epoch: u64,
    /// Moves with every write.
    pub counter: u64,
}

/// What came of a write that only its holder, or only one taker, may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is written.
    Done,
    /// Somebody else was there before.
    Refused,
}

#[derive(Deserialize)]
struct Row {
    shard: String,
    owner: Option<WorkerId>,
    epoch: u64,
    counter: u64,
}

/// The leases of all shards that were ever held.
pub async fn list(db: &Db) -> Result<Vec<LeaseRow>, StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Leases))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::LEASES.into()))
        .consistent_read(true);
    let rows: Vec<Row> = query_all(db, query).await?;
    let read = |Row { shard, owner, epoch, counter }: Row| {
        Some(LeaseRow { shard: shard.parse().ok()?, owner, epoch, counter })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Tells that `owner` still serves a shard in this term.
pub async fn renew(db: &Db, shard: u16, owner: WorkerId, epoch: u64) -> Result<Claim, StoreError> {
    claim(held(db, shard, owner, epoch).update_expression("SET #counter = #counter + :one")).await
}

/// Gives a shard up for others to take.
pub async fn release(db: &Db, shard: u16, owner: WorkerId, epoch: u64) -> Result<Claim, StoreError> {
    let update = "SET #counter = #counter + :one REMOVE #owner";
    claim(held(db, shard, owner, epoch).update_expression(update)).await
}

/// Takes a shard for the term after the one that was `seen`, if its row is still as it was seen, or still
/// missing.
pub async fn take(
    db: &Db,
    shard: u16,
    owner: WorkerId,
    seen: Option<&LeaseRow>,
) -> Result<Claim, StoreError> {
    let (epoch, counter) = seen.map_or((0, 0), |row| (row.epoch, row.counter));
    let mut request = update(db, shard)
        .update_expression("SET #owner = :owner, #epoch = :next_epoch, #counter = :next_counter")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_names("#epoch", "epoch")
        .expression_attribute_names("#counter", "counter")
        .expression_attribute_values(":owner", AttributeValue::S(owner.to_string()))
        .expression_attribute_values(":next_epoch", number(epoch + 1))
        .expression_attribute_values(":next_counter", number(counter + 1));
    request = match seen {
        None => request.condition_expression("attribute_not_exists(pk)"),
        Some(_) => request
            .condition_expression("#epoch = :epoch AND #counter = :counter")
            .expression_attribute_values(":epoch", number(epoch))
            .expression_attribute_values(":counter", number(counter)),
    };
    claim(request).await
}

/// Takes all shards from whoever holds them: for the one process that knows that nobody does.
pub async fn free_all(db: &Db) -> Result<(), StoreError> {
    for row in list(db).await?.into_iter().filter(|row| row.owner.is_some()) {
        let request = update(db, row.shard)
            .update_expression("SET #counter = #counter + :one REMOVE #owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#counter", "counter")
            .expression_attribute_values(":one", number(1));
        request.send().await?;
    }
    Ok(())
}

/// An update that only goes through for who holds the shard in this term.
fn held(db: &Db, shard: u16, owner: WorkerId, epoch: u64) -> UpdateRequest {
    update(db, shard)
        .condition_expression("#owner = :owner AND #epoch = :epoch")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_names("#epoch", "epoch")
        .expression_attribute_names("#counter", "counter")
        .expression_attribute_values(":owner", AttributeValue::S(owner.to_string()))
        .expression_attribute_values(":epoch", number(epoch))
        .expression_attribute_values(":one", number(1))
}

fn update(db: &Db, shard: u16) -> UpdateRequest {
    let key = HashMap::from([
        ("pk".into(), AttributeValue::S(keys::LEASES.into())),
        ("shard".into(), AttributeValue::S(keys::shard_number(shard))),
    ]);
    db.client().update_item().table_name(db.table(Table::Leases)).set_key(Some(key))
}

async fn claim(request: UpdateRequest) -> Result<Claim, StoreError> {
    let answer: Result<UpdateItemOutput, SdkError<UpdateItemError>> = request.send().await;
    match answer {
        Ok(_) => Ok(Claim::Done),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(Claim::Refused)
        }
        Err(error) => Err(error.into()),
    }
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
