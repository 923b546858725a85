//! The tables as `infra/tables.json` describes them: Terraform makes them in the cloud from that file,
//! this makes them on an endpoint of one's own.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
};
use serde::Deserialize;

use super::{Db, StoreError, Table};

const TABLES: &str = include_str!("../../infra/tables.json");

#[derive(Debug, Deserialize)]
struct Tables {
    tables: Vec<TableSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TableSpec {
    name: String,
    partition_key: String,
    sort_key: Option<String>,
    #[serde(default)]
    indexes: Vec<IndexSpec>,
    ttl: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IndexSpec {
    name: String,
    partition_key: String,
    sort_key: Option<String>,
    projection: String,
}

/// Makes the tables that are missing. Says how many it made.
pub async fn create_missing(db: &Db) -> Result<usize, StoreError> {
    let mut there = Vec::new();
    let mut names = db.client().list_tables().into_paginator().items().send();
    while let Some(name) = names.next().await {
        there.push(name?);
    }
    let mut made = 0;
    for spec in specs() {
        let Some(table) = Table::ALL.into_iter().find(|table| table.name() == spec.name) else { continue };
        if !there.iter().any(|name| name == db.table(table)) {
            made += usize::from(create(db, db.table(table), &spec).await?);
        }
        if let Some(attribute) = &spec.ttl {
            expire(db, db.table(table), attribute).await?;
        }
    }
    Ok(made)
}

/// The names of a table's partition key and sort key.
pub(super) fn key_of(table: Table) -> (String, Option<String>) {
    let spec = specs().into_iter().find(|spec| spec.name == table.name());
    let spec = spec.expect("infra/tables.json is checked by a test");
    (spec.partition_key, spec.sort_key)
}

fn specs() -> Vec<TableSpec> {
    let tables: Tables = serde_json::from_str(TABLES).expect("infra/tables.json is checked by a test");
    tables.tables
}

async fn create(db: &Db, name: &str, spec: &TableSpec) -> Result<bool, StoreError> {
    let client = db.client();
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for attribute in key_attributes(spec) {
        request = request.attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .expect("name and type are given"),
        );
    }
    request = request
        .set_key_schema(Some(key_schema(&spec.partition_key, spec.sort_key.as_deref())))
        .set_global_secondary_indexes(
            (!spec.indexes.is_empty()).then(|| spec.indexes.iter().map(index).collect()),
        );
    match request.send().await {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    let there = client.wait_until_table_exists().table_name(name).wait(Duration::from_secs(60)).await;
    there.map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(true)
}

/// Switches on that rows whose time has passed are dropped, unless it is on.
async fn expire(db: &Db, name: &str, attribute: &str) -> Result<(), StoreError> {
    let described = db.client().describe_time_to_live().table_name(name).send().await?;
    let status = described.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let ttl = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build();
    let ttl = ttl.expect("name and switch are given");
    db.client().update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
    Ok(())
}

fn key_attributes(spec: &TableSpec) -> Vec<&str> {
    let of_indexes =
        spec.indexes.iter().flat_map(|index| [Some(&index.partition_key), index.sort_key.as_ref()]);
    let mut names: Vec<&str> = [Some(&spec.partition_key), spec.sort_key.as_ref()]
        .into_iter()
        .chain(of_indexes)
        .flatten()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn key_schema(partition: &str, sort: Option<&str>) -> Vec<KeySchemaElement> {
    [(Some(partition), KeyType::Hash), (sort, KeyType::Range)]
        .into_iter()
        .filter_map(|(name, kind)| {
            Some(
                KeySchemaElement::builder()
                    .attribute_name(name?)
                    .key_type(kind)
                    .build()
                    .expect("name and kind are given"),
            )
        })
        .collect()
}

fn index(spec: &IndexSpec) -> GlobalSecondaryIndex {
    GlobalSecondaryIndex::builder()
        .index_name(&spec.name)
        .set_key_schema(Some(key_schema(&spec.partition_key, spec.sort_key.as_deref())))
        .projection(
            Projection::builder().projection_type(ProjectionType::from(spec.projection.as_str())).build(),
        )
        .build()
        .expect("name and keys are given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_describes_every_table_that_the_code_uses() {
        let specs = specs();
        let mut described: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let mut used: Vec<_> = Table::ALL.iter().map(|table| table.name()).collect();
        described.sort_unstable();
        used.sort_unstable();
        assert_eq!(described, used);
    }
}
