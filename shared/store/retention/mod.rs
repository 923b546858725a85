//! How long each tenant's data is kept, where the connector can read it: in `counters`, a row for each tenant. And
//! the passes that bring what is stored under another rule than that: a row for each tenant, all in one partition.

mod rows;

pub use rows::{Kind, adapt};

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{batch_get, query_page},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        ids::{DeviceId, TenantId},
        retention::Retention,
    },
};

#[derive(Deserialize)]
struct Row {
    pk: TenantId,
    days: Option<u32>,
}

/// How long a tenant's data is kept. `None` when that was never written down.
pub async fn get(db: &Db, tenant: TenantId) -> Result<Option<Retention>, StoreError> {
    let request = db.client().get_item().table_name(db.table(Table::Counters));
    let answer = request.set_key(Some(key(&tenant.to_string(), keys::RETENTION))).send().await?;
    let row: Option<Row> = answer.item.map(|item| db.read_item(Table::Counters, item)).transpose()?;
    Ok(row.map(|row| Retention { days: row.days }))
}

/// The same of several tenants; those of whom nothing is written down are left out.
pub async fn get_many(db: &Db, tenants: &[TenantId]) -> Result<HashMap<TenantId, Retention>, StoreError> {
    let wanted = tenants.iter().map(|tenant| key(&tenant.to_string(), keys::RETENTION)).collect();
    let rows: Vec<Row> = batch_get(db, Table::Counters, wanted).await?;
    Ok(rows.into_iter().map(|row| (row.pk, Retention { days: row.days })).collect())
}

/// Writes down how long a tenant's data is kept from now on.
pub async fn set(db: &Db, tenant: TenantId, retention: Retention) -> Result<(), StoreError> {
    let update = match retention.days {
        Some(days) => Update::default().set("days", days)?,
        None => Update::default().remove("days"),
    };
    let request = db.client().update_item().table_name(db.table(Table::Counters));
    update.apply(request.set_key(Some(key(&tenant.to_string(), keys::RETENTION)))).send().await?;
    Ok(())
}

/// A pass over what a tenant has, under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pass {
    /// The tenant.
    #[serde(rename = "sk")]
    pub tenant: TenantId,
    /// Not before that: until then, rows may be written by the rule of before.
    pub not_before: Timestamp,
    /// The device that it is at; all before it, by id, are done.
    pub device: Option<DeviceId>,
    /// The kind of rows of this device that it is at.
    pub kind: Option<Kind>,
    /// The link of this device that these are of.
    pub generation: Option<u32>,
    /// The last row that is done.
    pub after: Option<String>,
}

/// Has a pass over what a tenant has begin, or begin anew.
pub async fn begin(db: &Db, tenant: TenantId, not_before: Timestamp) -> Result<(), StoreError> {
    let update = Update::default().set("notBefore", not_before)?;
    let update = update.remove("device").remove("kind").remove("generation").remove("after");
    let request = db.client().update_item().table_name(db.table(Table::Counters));
    update.apply(request.set_key(Some(key(keys::RETENTION_PASSES, &tenant.to_string())))).send().await?;
    Ok(())
}

/// Some passes under way.
pub async fn passes(db: &Db, limit: u16) -> Result<Vec<Pass>, StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Counters))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::RETENTION_PASSES.into()))
        .consistent_read(true);
    let page: Page<Pass> = query_page(db, query, &["pk", "sk"], limit, None).await?;
    Ok(page.items)
}

/// Notes how far a pass is, unless it was begun anew.
pub async fn note(db: &Db, pass: &Pass) -> Result<(), StoreError> {
    let update = Update::default()
        .set("device", pass.device)?
        .set("kind", pass.kind)?
        .set("generation", pass.generation)?
        .set("after", pass.after.as_ref())?;
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(keys::RETENTION_PASSES, &pass.tenant.to_string())))
        .condition_expression("notBefore = :begun")
        .expression_attribute_values(":begun", serde_dynamo::to_attribute_value(pass.not_before)?);
    match update.apply(request).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends a pass, unless it was begun anew.
pub async fn end(db: &Db, pass: &Pass) -> Result<(), StoreError> {
    let request = db
        .client()
        .delete_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(keys::RETENTION_PASSES, &pass.tenant.to_string())))
        .condition_expression("notBefore = :begun")
        .expression_attribute_values(":begun", serde_dynamo::to_attribute_value(pass.not_before)?);
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends whatever pass there is of a tenant that is being erased.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    db.client()
        .delete_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(keys::RETENTION_PASSES, &tenant.to_string())))
        .send()
        .await?;
    Ok(())
}

/// How far the walk over all accounts is, which looks for those whose plan says something new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Walk {
    /// Where it goes on; from the beginning when there is nothing.
    pub next: Option<LastKey>,
    /// Not before that.
    pub not_before: Timestamp,
}

/// How long the state of the walk is remembered when nobody walks.
const WALK_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// How far the walk is. `None` when there was none.
pub async fn walk(db: &Db) -> Result<Option<Walk>, StoreError> {
    let request = db.client().get_item().table_name(db.table(Table::Counters));
    let request =
        request.set_key(Some(key(keys::RETENTION_WALK, keys::RETENTION_WALK))).consistent_read(true);
    request.send().await?.item.map(|item| db.read_item(Table::Counters, item)).transpose()
}

/// Notes how far the walk is.
pub async fn note_walk(db: &Db, walk: &Walk, now: Timestamp) -> Result<(), StoreError> {
    let mut item = db.to_item(Table::Counters, walk)?;
    item.extend(key(keys::RETENTION_WALK, keys::RETENTION_WALK));
    item.insert("ttl".into(), AttributeValue::N((now + WALK_MEMORY).unix_seconds().to_string()));
    db.client().put_item().table_name(db.table(Table::Counters)).set_item(Some(item)).send().await?;
    Ok(())
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".into(), AttributeValue::S(pk.into())), ("sk".into(), AttributeValue::S(sk.into()))])
}
