//! Commands to the connector and their answers. Rows live an hour.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde_json::Value;

use super::{Db, StoreError, Table, page::delete_all, update::Update};
use crate::domain::{
    command::{Command, CommandFailure, CommandStatus},
    ids::{CommandId, TenantId},
};

const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    command: &'a Command,
    ttl: i64,
}

/// Stores a new command.
pub async fn create(db: &Db, command: &Command) -> Result<(), StoreError> {
    let row = Row { command, ttl: (command.created_at + LIFETIME).unix_seconds() };
    db.client()
        .put_item()
        .table_name(db.table(Table::Commands))
        .set_item(Some(db.to_item(Table::Commands, row)?))
        .send()
        .await?;
    Ok(())
}

/// One command with its answer, if there is one.
pub async fn get(db: &Db, tenant: TenantId, id: CommandId) -> Result<Option<Command>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Commands))
        .set_key(Some(key(tenant, id)))
        .consistent_read(true)
        .send()
        .await?;
    answer.item.map(|item| db.read_item(Table::Commands, item)).transpose()
}

/// Answers a command. The first answer stays: a command that SQS delivers twice is answered once.
pub async fn answer(
    db: &Db,
    tenant: TenantId,
    id: CommandId,
    answer: Result<Value, CommandFailure>,
) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Commands))
        .set_key(Some(key(tenant, id)))
        .condition_expression("#status = :pending")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":pending", serde_dynamo::to_attribute_value(CommandStatus::Pending)?);
    let update = match answer {
        Ok(result) => {
            let result = db.to_value(Table::Commands, &key(tenant, id), "result", result)?;
            Update::default().set("status", CommandStatus::Done)?.set_value("result", result)
        }
        Err(error) => Update::default().set("status", CommandStatus::Failed)?.set("error", error)?,
    };
    match update.apply(request).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Forgets the commands of a tenant.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Commands))
        .key_condition_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(tenant.to_string()))
        .projection_expression("accountId, id");
    delete_all(db, Table::Commands, query).await
}

fn key(tenant: TenantId, id: CommandId) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("accountId".into(), AttributeValue::S(tenant.to_string())),
        ("id".into(), AttributeValue::S(id.to_string())),
    ])
}
