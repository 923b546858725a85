//! What was set aside, by tenant; the index `by-time` has all of it. What is kept of an item lies in a row of its
//! own, so that a list does not read it.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{delete_all, query_page},
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        ids::{DeviceId, TenantId},
        set_aside::SetAside,
    },
};

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    sk: String,
    listed: String,
    position: String,
    ttl: i64,
    #[serde(flatten)]
    item: SetAside,
}

/// What is kept of an item.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeptRow {
    pk: String,
    sk: String,
    device_id: Option<DeviceId>,
    ttl: i64,
    /// Sealed.
    kept: String,
}

/// Puts an item aside under a key that is always the same for it, with what is kept of it, until `until`. One that
/// is set aside again stays as it was.
pub async fn put(
    db: &Db,
    item: &SetAside,
    key: &str,
    kept: Option<String>,
    until: Timestamp,
) -> Result<(), StoreError> {
    let pk = item.tenant_id.to_string();
    let table = db.table(Table::SetAside);
    if let Some(kept) = kept {
        let row = KeptRow {
            pk: pk.clone(),
            sk: format!("{key}#kept"),
            device_id: item.device_id,
            ttl: until.unix_seconds(),
            kept,
        };
        let row = db.to_item(Table::SetAside, row)?;
        db.client().put_item().table_name(table).set_item(Some(row)).send().await?;
    }
    let row = Row {
        pk,
        sk: key.to_owned(),
        listed: keys::SET_ASIDE.into(),
        position: keys::position(item.at, &item.id.to_string()),
        ttl: until.unix_seconds(),
        item: item.clone(),
    };
    let put = db.client().put_item().table_name(table).set_item(Some(db.to_item(Table::SetAside, row)?));
    match put.condition_expression("attribute_not_exists(pk)").send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Everybody's, the latest first.
pub async fn list(db: &Db, limit: u16, from: Option<LastKey>) -> Result<Page<SetAside>, StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::SetAside))
        .index_name("by-time")
        .key_condition_expression("listed = :listed")
        .expression_attribute_values(":listed", AttributeValue::S(keys::SET_ASIDE.into()))
        .scan_index_forward(false);
    let page: Page<Row> = query_page(db, query, &["pk", "sk", "listed", "position"], limit, from).await?;
    Ok(page.map(|row| row.item))
}

/// Forgets what was set aside of a device.
pub async fn delete_of_device(db: &Db, tenant: TenantId, device: DeviceId) -> Result<(), StoreError> {
    let query = of_tenant(db, tenant)
        .filter_expression("deviceId = :device")
        .expression_attribute_values(":device", AttributeValue::S(device.to_string()));
    delete_all(db, Table::SetAside, query).await
}

/// Forgets what was set aside of a tenant.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    delete_all(db, Table::SetAside, of_tenant(db, tenant)).await
}

fn of_tenant(db: &Db, tenant: TenantId) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::SetAside))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(tenant.to_string()))
        .consistent_read(true)
        .projection_expression("pk, sk")
}
