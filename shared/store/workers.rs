//! The connectors that run. All rows lie in one partition, so that one query reads them.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, ReturnValue},
};
use serde::Deserialize;

use super::{
    Db, Page, StoreError, Table, keys,
    page::{delete_all, query_all, query_page},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{ids::WorkerId, worker::Worker},
};

/// How long a worker that says nothing is remembered.
const LIFETIME: Duration = Duration::from_secs(3600);

/// A sign of life, as other workers read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Whose.
    pub id: WorkerId,
    /// Moves with every heartbeat.
    pub counter: u64,
    /// Whether it gives its shards to others.
    pub draining: bool,
    /// When, by its own clock.
    pub last_heartbeat_at: Timestamp,
}

/// Writes down how a worker is. `counter` is another one each time. That it drains is kept, whoever wrote it.
pub async fn beat(db: &Db, worker: &Worker, counter: u64) -> Result<(), StoreError> {
    let update = Update::default()
        .set("host", &worker.host)?
        .set("pid", worker.pid)?
        .set("version", &worker.version)?
        .set("sessions", worker.sessions)?
        .set("cpu", worker.cpu)?
        .set("memoryBytes", worker.memory_bytes)?
        .set("startedAt", worker.started_at)?
        .set("lastHeartbeatAt", worker.last_heartbeat_at)?
        .set("counter", counter)?
        .set("ttl", (worker.last_heartbeat_at + LIFETIME).unix_seconds())?;
    let update = match worker.draining {
        true => update.set("draining", true)?,
        false => update.set_if_missing("draining", false)?,
    };
    let request =
        db.client().update_item().table_name(db.table(Table::Workers)).set_key(Some(key(worker.id)));
    update.apply(request).send().await?;
    Ok(())
}

/// The last sign of life of every worker that is remembered.
pub async fn heartbeats(db: &Db) -> Result<Vec<Heartbeat>, StoreError> {
    query_all(db, all(db)).await
}

/// The workers that told of themselves at `since` or later, oldest first, without their shards.
pub async fn list(
    db: &Db,
    since: Timestamp,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Worker>, StoreError> {
    let query = all(db)
        .filter_expression("lastHeartbeatAt >= :since")
        .expression_attribute_values(":since", AttributeValue::S(since.to_string()));
    query_page(db, query, &["pk", "id"], limit, from).await
}

/// Tells a worker to give its shards to others. `None` when it has not told of itself since `since`.
pub async fn drain(db: &Db, id: WorkerId, since: Timestamp) -> Result<Option<Worker>, StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Workers))
        .set_key(Some(key(id)))
        .condition_expression("lastHeartbeatAt >= :since")
        .expression_attribute_values(":since", AttributeValue::S(since.to_string()))
        .return_values(ReturnValue::AllNew);
    match Update::default().set("draining", true)?.apply(request).send().await {
        Ok(answer) => Ok(Some(db.read_item(Table::Workers, answer.attributes.unwrap_or_default())?)),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Forgets a worker that has stopped.
pub async fn delete(db: &Db, id: WorkerId) -> Result<(), StoreError> {
    db.client().delete_item().table_name(db.table(Table::Workers)).set_key(Some(key(id))).send().await?;
    Ok(())
}

/// Forgets all workers: for the one process that knows that none runs.
pub async fn forget_all(db: &Db) -> Result<(), StoreError> {
    delete_all(db, Table::Workers, all(db).projection_expression("pk, id")).await
}

fn all(db: &Db) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Workers))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::WORKERS.into()))
        .consistent_read(true)
}

fn key(id: WorkerId) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(keys::WORKERS.into())),
        ("id".into(), AttributeValue::S(id.to_string())),
    ])
}
