//! Keys of WhatsApp sessions: the rows that the connector's session store packs and seals.
//!
//! This file moves sealed bytes only; what is in a row is known to `connector/session_store`.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest},
};

use super::{Db, StoreError, Table, keys};
use crate::domain::ids::{DeviceId, TenantId};

/// How many rows DynamoDB takes in one BatchWriteItem.
pub const MAX_BATCH: usize = 25;

/// One stored row of a device.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKeyRow {
    /// Which row; the sort key.
    pub name: String,
    /// The sealed content.
    pub data: Vec<u8>,
}

/// One row to write or to delete.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKeyWrite {
    /// The owner of the device.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// Which row; the sort key.
    pub name: String,
    /// The sealed content; `None` deletes the row.
    pub data: Option<Vec<u8>>,
}

/// All rows of a device, as last written.
pub async fn load(db: &Db, tenant: TenantId, device: DeviceId) -> Result<Vec<SessionKeyRow>, StoreError> {
    let mut rows = Vec::new();
    let mut pages = query(db, tenant, device).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let mut item = item?;
        if let (Some(AttributeValue::S(name)), Some(AttributeValue::B(data))) =
            (item.remove("sk"), item.remove("data"))
        {
            rows.push(SessionKeyRow { name, data: data.into_inner() });
        }
    }
    Ok(rows)
}

/// The names of all rows of a device.
pub async fn names(db: &Db, tenant: TenantId, device: DeviceId) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut pages = query(db, tenant, device).projection_expression("sk").into_paginator().items().send();
    while let Some(item) = pages.next().await {
        if let Some(AttributeValue::S(name)) = item?.remove("sk") {
            names.push(name);
        }
    }
    Ok(names)
}

/// One row of a device.
pub async fn get(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::SessionKeys))
        .set_key(Some(key(tenant, device, name)))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.and_then(|mut item| match item.remove("data") {
        Some(AttributeValue::B(data)) => Some(data.into_inner()),
        _ => None,
    }))
}

/// Writes at most [`MAX_BATCH`] rows of any devices, each row at most once. Answers the places in
/// `rows` of those that DynamoDB did not get to and that must be sent again.
///
/// # Errors
/// Nothing is known of any row then.
pub async fn write(db: &Db, rows: &[SessionKeyWrite]) -> Result<Vec<usize>, StoreError> {
    let table = db.table(Table::SessionKeys);
    let requests = rows.iter().map(request).collect();
    let answer = db.client().batch_write_item().request_items(table, requests).send().await?;
    let left = answer.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let places: HashMap<_, _> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| ((keys::device_partition(row.tenant, row.device), row.name.as_str()), place))
        .collect();
    Ok(left
        .iter()
        .filter_map(|request| {
            let key = request
                .put_request()
                .map(PutRequest::item)
                .or_else(|| request.delete_request().map(DeleteRequest::key))?;
            let (pk, sk) = (key.get("pk")?.as_s().ok()?, key.get("sk")?.as_s().ok()?);
            places.get(&(pk.clone(), sk.as_str())).copied()
        })
        .collect())
}

fn query(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::SessionKeys))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::device_partition(tenant, device)))
        .consistent_read(true)
}

fn key(tenant: TenantId, device: DeviceId, name: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(keys::device_partition(tenant, device))),
        ("sk".to_owned(), AttributeValue::S(name.to_owned())),
    ])
}

fn request(row: &SessionKeyWrite) -> WriteRequest {
    let mut item = key(row.tenant, row.device, &row.name);
    let request = WriteRequest::builder();
    match &row.data {
        Some(data) => {
            item.insert("data".to_owned(), AttributeValue::B(Blob::new(data.clone())));
            let put = PutRequest::builder().set_item(Some(item)).build().expect("the item is set");
            request.put_request(put).build()
        }
        None => {
            let delete = DeleteRequest::builder().set_key(Some(item)).build().expect("the key is set");
            request.delete_request(delete).build()
        }
    }
}
