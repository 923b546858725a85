//! Tries at the door that failed, by who is tried and from where. Counted before the password is looked at, so
//! that trying in parallel gains nothing; given back when it was right.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::AttributeValue};

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
    // Within a span that is running and not used up, or with a new span when there is none.
    for (action, condition) in [
        ("ADD tries :one", "#ttl > :now AND tries < :limit"),
        ("SET tries = :one, #ttl = :end", "attribute_not_exists(#ttl) OR #ttl <= :now"),
    ] {
        let mut request = db
            .client()
            .update_item()
            .table_name(db.table(Table::Counters))
            .set_key(Some(key(door)))
            .update_expression(action)
            .condition_expression(condition)
            .return_values_on_condition_check_failure(
                aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
            )
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", AttributeValue::N("1".into()))
            .expression_attribute_values(":now", AttributeValue::N(now.unix_seconds().to_string()));
        request = if action.starts_with("ADD") {
            request.expression_attribute_values(":limit", AttributeValue::N(limit.to_string()))
        } else {
            let end = (now + SPAN).unix_seconds();
            request.expression_attribute_values(":end", AttributeValue::N(end.to_string()))
        };
        match request.send().await {
            Ok(_) => return Ok(Try::Counted),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(e)) => {
                    let end = e.item().and_then(|row| row.get("ttl")?.as_n().ok()?.parse::<i64>().ok());
                    match end {
                        Some(end) if end > now.unix_seconds() => {
                            return Ok(Try::TooMany(Timestamp::from_unix_millis(end * 1000)));
                        }
                        _ => {}
                    }
                }
                _ => return Err(error.into()),
            },
        }
    }
    // Another try began the span in between: this one counts in it.
    Ok(Try::TooMany(now + Duration::from_secs(1)))
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
