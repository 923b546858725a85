//! The one replay of events that a tenant may have under way: a row that says until when it may take.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};

use super::{Db, StoreError, Table, keys};
use crate::{clock::Timestamp, domain::ids::TenantId};

/// Begins a replay that takes until `until` at the longest, unless one is under way. Says whether it may.
pub async fn begin(db: &Db, tenant: TenantId, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
    let request = row(db, tenant)
        .update_expression("SET takesUntil = :until, #ttl = :ttl")
        .condition_expression("attribute_not_exists(takesUntil) OR takesUntil <= :now")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":until", number(until.unix_millis()))
        .expression_attribute_values(":now", number(now.unix_millis()))
        .expression_attribute_values(":ttl", number(until.unix_seconds()));
    held(request).await
}

/// Ends the replay that was begun with this `until`; another's stays.
pub async fn end(db: &Db, tenant: TenantId, until: Timestamp) -> Result<(), StoreError> {
    let request = row(db, tenant)
        .update_expression("REMOVE takesUntil")
        .condition_expression("takesUntil = :until")
        .expression_attribute_values(":until", number(until.unix_millis()));
    held(request).await.map(drop)
}

fn row(db: &Db, tenant: TenantId) -> UpdateItemFluentBuilder {
    let key = HashMap::from([
        ("pk".into(), AttributeValue::S(tenant.to_string())),
        ("sk".into(), AttributeValue::S(keys::REPLAY.into())),
    ]);
    db.client().update_item().table_name(db.table(Table::Counters)).set_key(Some(key))
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Sends an update. Whether its condition held.
async fn held(request: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
