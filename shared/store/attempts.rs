//! Attempts to log in and the like, by throttle key: how many are under way, how many failed. One is counted before
//! the password is looked at, so that trying in parallel gains nothing, and given back when it was right.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Db, StoreError, Table};
use crate::clock::Timestamp;

/// The span in which attempts are counted, from the first one on.
pub const SPAN: Duration = Duration::from_secs(15 * 60);

/// How long it is remembered that somebody got in.
pub const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// What came of beginning an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It may be made.
    Admitted,
    /// Not before one of those under way is over.
    Crowded,
    /// Too many failed.
    Refused {
        /// When the span ends.
        until: Timestamp,
        /// Whether nobody was told so before in this span.
        is_first: bool,
    },
}

/// Begins an attempt under a throttle key, unless `limit` of its span are under way or failed.
pub async fn begin(db: &Db, key: &str, limit: u32, now: Timestamp) -> Result<Begun, StoreError> {
    loop {
        let more = update(db, key)
            .update_expression("ADD attempts :one")
            .condition_expression("#ttl > :now AND attempts < :limit")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now.unix_seconds()))
            .expression_attribute_values(":limit", number(limit.into()));
        let row = match send(more).await? {
            Written::Done => return Ok(Begun::Admitted),
            Written::Refused(row) => row.unwrap_or_default(),
        };
        let value = |name: &str| row.get(name)?.as_n().ok()?.parse::<i64>().ok();
        if let Some(end) = value("ttl").filter(|end| *end > now.unix_seconds()) {
            if value("failures").unwrap_or_default() < i64::from(limit) {
                return Ok(Begun::Crowded);
            }
            let is_first = !row.contains_key("told") && tell(db, key).await?;
            return Ok(Begun::Refused { until: Timestamp::from_unix_millis(end * 1000), is_first });
        }
        // No span is running: begin one, unless another attempt does so first; then this one counts in it.
        let begin = update(db, key)
            .update_expression("SET attempts = :one, failures = :zero, #ttl = :end REMOVE told")
            .condition_expression("attribute_not_exists(#ttl) OR #ttl <= :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":now", number(now.unix_seconds()))
            .expression_attribute_values(":end", number((now + SPAN).unix_seconds()));
        if let Written::Done = send(begin).await? {
            return Ok(Begun::Admitted);
        }
    }
}

/// Notes that it was told that too many failed. Says whether this was the first time.
async fn tell(db: &Db, key: &str) -> Result<bool, StoreError> {
    let request = update(db, key)
        .update_expression("SET told = :told")
        .condition_expression("attribute_exists(pk) AND attribute_not_exists(told)")
        .expression_attribute_values(":told", AttributeValue::Bool(true));
    Ok(matches!(send(request).await?, Written::Done))
}

/// An attempt is over and counts no more.
pub async fn give_back(db: &Db, key: &str) -> Result<(), StoreError> {
    let request = update(db, key)
        .update_expression("ADD attempts :less")
        .condition_expression("attempts > :zero")
        .expression_attribute_values(":less", number(-1))
        .expression_attribute_values(":zero", number(0));
    send(request).await.map(drop)
}

/// An attempt is over and failed: it counts to the end of the span.
pub async fn fail(db: &Db, key: &str) -> Result<(), StoreError> {
    let request = update(db, key)
        .update_expression("ADD failures :one")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":one", number(1));
    send(request).await.map(drop)
}

/// Remembers that somebody got in under a key.
pub async fn remember(db: &Db, key: &str, now: Timestamp) -> Result<(), StoreError> {
    let mut row = row_key(key, "remembered");
    row.insert("ttl".into(), number((now + MEMORY).unix_seconds()));
    db.client().put_item().table_name(db.table(Table::Counters)).set_item(Some(row)).send().await?;
    Ok(())
}

/// Whether somebody got in under a key not long ago.
pub async fn is_remembered(db: &Db, key: &str, now: Timestamp) -> Result<bool, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(row_key(key, "remembered")))
        .send()
        .await?;
    let until = answer.item.and_then(|row| row.get("ttl")?.as_n().ok()?.parse::<i64>().ok());
    Ok(until.is_some_and(|until| until > now.unix_seconds()))
}

enum Written {
    Done,
    /// The condition does not hold for the row that is there.
    Refused(Option<HashMap<String, AttributeValue>>),
}

async fn send(request: UpdateItemFluentBuilder) -> Result<Written, StoreError> {
    let Err(error) = request.send().await else { return Ok(Written::Done) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(e)) => Ok(Written::Refused(e.item().cloned())),
        _ => Err(error.into()),
    }
}

fn update(db: &Db, key: &str) -> UpdateItemFluentBuilder {
    db.client()
        .update_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(row_key(key, "attempts")))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
}

fn row_key(key: &str, kind: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(format!("throttle#{key}"))),
        ("sk".into(), AttributeValue::S(kind.into())),
    ])
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
