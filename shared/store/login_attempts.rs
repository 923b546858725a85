//! Tries at the door that failed, by who is tried and from where. Counted before the password is looked at, so
//! that trying in parallel gains nothing; given back when it was right.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Db, StoreError, Table};
use crate::{clock::Timestamp, crypto};

/// The span in which tries are counted, from the first one on.
pub const SPAN: Duration = Duration::from_secs(15 * 60);

/// What came of counting a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// It may be made.
    Counted,
    /// There were too many; again from then on.
    TooMany(Timestamp),
}

/// Counts a try at `door`, of at most `limit` in a span.
pub async fn count(db: &Db, door: &str, limit: u32, now: Timestamp) -> Result<Try, StoreError> {
    loop {
        let more = update(db, door, now)
            .update_expression("ADD tries :one")
            .condition_expression("#ttl > :now AND tries < :limit")
            .expression_attribute_values(":limit", AttributeValue::N(limit.to_string()));
        match attempt(more).await? {
            Attempt::Done => return Ok(Try::Counted),
            Attempt::Refused(Some(end)) if end > now.unix_seconds() => {
                return Ok(Try::TooMany(Timestamp::from_unix_millis(end * 1000)));
            }
            Attempt::Refused(_) => {}
        }
        // No span is running: begin one, unless another try does so first; then this one counts in it.
        let begin = update(db, door, now)
            .update_expression("SET tries = :one, #ttl = :end")
            .condition_expression("attribute_not_exists(#ttl) OR #ttl <= :now")
            .expression_attribute_values(":end", AttributeValue::N((now + SPAN).unix_seconds().to_string()));
        if let Attempt::Done = attempt(begin).await? {
            return Ok(Try::Counted);
        }
    }
}

enum Attempt {
    Done,
    /// The condition does not hold; when the span that is there ends.
    Refused(Option<i64>),
}

async fn attempt(request: UpdateItemFluentBuilder) -> Result<Attempt, StoreError> {
    let Err(error) = request.send().await else { return Ok(Attempt::Done) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(e)) => {
            Ok(Attempt::Refused(e.item().and_then(|row| row.get("ttl")?.as_n().ok()?.parse().ok())))
        }
        _ => Err(error.into()),
    }
}

fn update(db: &Db, door: &str, now: Timestamp) -> UpdateItemFluentBuilder {
    db.client()
        .update_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(door)))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":one", AttributeValue::N("1".into()))
        .expression_attribute_values(":now", AttributeValue::N(now.unix_seconds().to_string()))
}

/// Gives back a try that was right.
pub async fn give_back(db: &Db, door: &str) -> Result<(), StoreError> {
    let result = db
        .client()
        .update_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(door)))
        .update_expression("ADD tries :less")
        .condition_expression("tries > :zero")
        .expression_attribute_values(":less", AttributeValue::N("-1".into()))
        .expression_attribute_values(":zero", AttributeValue::N("0".into()))
        .send()
        .await;
    match result {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn key(door: &str) -> HashMap<String, AttributeValue> {
    let digest = hex::encode(crypto::digest_of(&[b"door", door.as_bytes()]));
    HashMap::from([
        ("pk".into(), AttributeValue::S(format!("door#{digest}"))),
        ("sk".into(), AttributeValue::S("tries".into())),
    ])
}
