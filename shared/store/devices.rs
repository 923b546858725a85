//! Devices, by tenant.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{query::builders::QueryFluentBuilder, update_item::builders::UpdateItemFluentBuilder},
    types::{
        AttributeValue, Delete, Put, ReturnValue, TransactWriteItem, Update as UpdateWrite,
        builders::UpdateBuilder,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{batch_get, query_all, query_page},
    transact::{Transacted, transact},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        device::{Desired, Device, DeviceStatus, Link, OnRelink, QrCode},
        ids::{DeviceId, TenantId},
        jid::Jid,
        pacing::Pacing,
        phone::PhoneNumber,
    },
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(flatten)]
    device: &'a Device,
    shard_key: String,
}

/// Where a device is, as the index `by-shard` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    account_id: TenantId,
    id: DeviceId,
}

/// What the connector has to say of a device. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Where the connection stands.
    pub status: Option<DeviceStatus>,
    /// Number of the linked account.
    pub phone_number: Option<Option<PhoneNumber>>,
    /// Hidden identity of the linked account.
    pub lid: Option<Option<Jid>>,
    /// The name that the account shows.
    pub push_name: Option<String>,
    /// Why it is not connected; `Some(None)` clears it.
    pub last_error: Option<Option<String>>,
    /// The QR code to scan; `Some(None)` clears it.
    pub qr: Option<Option<QrCode>>,
    /// When the socket was last known to be open.
    pub last_seen_at: Option<Timestamp>,
    /// Another wish in place of the owner's, when that can no longer be met: nobody scanned, or the
    /// phone unlinked.
    pub desired: Option<Desired>,
}

/// What came of creating a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It exists now.
    Done,
    /// The tenant has as many as it may.
    QuotaSpent,
}

/// Stores a new device, unless its tenant has `limit` of them. The device and its count are written
/// together, so that the limit holds however many are made at once.
pub async fn create(db: &Db, device: &Device, limit: Option<u32>) -> Result<Created, StoreError> {
    if limit == Some(0) {
        return Ok(Created::QuotaSpent);
    }
    let row = Row { device, shard_key: keys::shard_partition(device.shard) };
    let put = Put::builder()
        .table_name(db.table(Table::Devices))
        .set_item(Some(db.to_item(Table::Devices, row)?))
        .condition_expression("attribute_not_exists(id)")
        .build()
        .expect("table and item are given");
    let mut count = count(db, device.account_id, 1);
    if let Some(limit) = limit {
        count = count
            .condition_expression("attribute_not_exists(devices) OR devices < :limit")
            .expression_attribute_values(":limit", AttributeValue::N(limit.to_string()));
    }
    let count = count.build().expect("table, key and expression are given");
    let writes = vec![
        TransactWriteItem::builder().update(count).build(),
        TransactWriteItem::builder().put(put).build(),
    ];
    match transact(db, writes).await? {
        Transacted::Done => Ok(Created::Done),
        Transacted::Refused(_) => Ok(Created::QuotaSpent),
    }
}

/// How many devices a tenant has, those that are being deleted among them.
pub async fn count_of(db: &Db, tenant: TenantId) -> Result<u32, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(counter_key(tenant)))
        .consistent_read(true)
        .send()
        .await?;
    let number = answer.item.and_then(|row| row.get("devices")?.as_n().ok()?.parse().ok());
    Ok(number.unwrap_or_default())
}

fn count(db: &Db, tenant: TenantId, step: i8) -> UpdateBuilder {
    UpdateWrite::builder()
        .table_name(db.table(Table::Counters))
        .set_key(Some(counter_key(tenant)))
        .update_expression("ADD devices :step")
        .expression_attribute_values(":step", AttributeValue::N(step.to_string()))
}

fn counter_key(tenant: TenantId) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(tenant.to_string())),
        ("sk".into(), AttributeValue::S(keys::DEVICES.into())),
    ])
}

/// One device, also one that is being deleted.
pub async fn get(db: &Db, tenant: TenantId, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Devices))
        .set_key(Some(key(tenant, id)))
        .consistent_read(true)
        .send()
        .await?;
    answer.item.map(|item| db.read_item(Table::Devices, item)).transpose()
}

/// A tenant's devices, oldest first, without those that are being deleted.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    status: Option<DeviceStatus>,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Device>, StoreError> {
    let mut query = db
        .client()
        .query()
        .table_name(db.table(Table::Devices))
        .key_condition_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(tenant.to_string()))
        .expression_attribute_values(":deleted", serde_dynamo::to_attribute_value(Desired::Deleted)?)
        .consistent_read(true);
    let mut filter = "desired <> :deleted".to_owned();
    if let Some(status) = status {
        filter.push_str(" AND #status = :status");
        query = query
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", serde_dynamo::to_attribute_value(status)?);
    }
    query_page(db, query.filter_expression(filter), &["accountId", "id"], limit, from).await
}

/// Every device of a shard, of all tenants: for the connector that owns it.
pub async fn list_by_shard(db: &Db, shard: u16) -> Result<Vec<Device>, StoreError> {
    let found: Vec<Place> = query_all(db, by_shard(db, shard)).await?;
    batch_get(db, Table::Devices, found.iter().map(|k| key(k.account_id, k.id)).collect()).await
}

/// A part of the devices of a shard, of all tenants, by id, without those that are being deleted: the part may be short.
pub async fn list_of_shard(
    db: &Db,
    shard: u16,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Device>, StoreError> {
    let found: Page<Place> =
        query_page(db, by_shard(db, shard), &["shardKey", "accountId", "id"], limit, from).await?;
    let keys = found.items.iter().map(|place| key(place.account_id, place.id)).collect();
    let mut items: Vec<Device> = batch_get(db, Table::Devices, keys).await?;
    items.retain(|device| device.desired != Desired::Deleted);
    items.sort_unstable_by_key(|device| device.id);
    Ok(Page { items, next: found.next })
}

/// Whether any device lies in a shard.
pub async fn any_in_shard(db: &Db, shard: u16) -> Result<bool, StoreError> {
    let found = by_shard(db, shard).limit(1).send().await?;
    Ok(found.count > 0)
}

/// Changes name, pacing, and what becomes of messages when the number changes. Pacing is changed only as long as the
/// device's rules are those of the number beside it. `None` when they are not, or when there is no such device.
pub async fn change(
    db: &Db,
    tenant: TenantId,
    id: DeviceId,
    name: Option<&str>,
    pacing: Option<(&Pacing, u32)>,
    on_relink: Option<OnRelink>,
    now: Timestamp,
) -> Result<Option<Device>, StoreError> {
    let mut update = Update::default()
        .set_some("name", name)?
        .set_some("pacing", pacing.map(|(pacing, _)| pacing))?
        .set_some("onRelink", on_relink)?
        .set("updatedAt", now)?;
    if pacing.is_some() || on_relink.is_some() {
        update = update.add("sendRules", 1)?;
    }
    let request = live(db, tenant, id)?;
    let request = match pacing {
        Some((_, rules)) => request
            .condition_expression("attribute_exists(id) AND desired <> :deleted AND sendRules = :rules")
            .expression_attribute_values(":rules", AttributeValue::N(rules.to_string())),
        None => request,
    };
    send(db, update.apply(request)).await
}

/// Writes down what the owner wants, and the status that it shows at once. `None` when there is no such
/// device. `allow_number_change`: whether the next link may be to another number than the last one.
pub async fn set_desired(
    db: &Db,
    tenant: TenantId,
    id: DeviceId,
    desired: Desired,
    status: Option<DeviceStatus>,
    allow_number_change: bool,
    now: Timestamp,
) -> Result<Option<Device>, StoreError> {
    let update = Update::default()
        .set("desired", desired)?
        .set_some("status", status)?
        .set("allowNumberChange", allow_number_change)?
        .set("updatedAt", now)?;
    send(db, update.apply(live(db, tenant, id)?)).await
}

/// Pauses or resumes a device's queue. `None` when there is no such device.
pub async fn set_paused(
    db: &Db,
    tenant: TenantId,
    id: DeviceId,
    paused: bool,
    now: Timestamp,
) -> Result<Option<Device>, StoreError> {
    let update = Update::default().set("paused", paused)?.add("sendRules", 1)?.set("updatedAt", now)?;
    send(db, update.apply(live(db, tenant, id)?)).await
}

/// Writes down that a message of a device was accepted and not queued.
pub async fn mark_gap(db: &Db, tenant: TenantId, id: DeviceId, now: Timestamp) -> Result<(), StoreError> {
    send(db, Update::default().set("outboxGap", now)?.apply(live(db, tenant, id)?)).await.map(drop)
}

/// The outbox was looked into at `looked_at`, so that what was not queued before that is known of.
pub async fn clear_gap(
    db: &Db,
    tenant: TenantId,
    id: DeviceId,
    looked_at: Timestamp,
) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Devices))
        .set_key(Some(key(tenant, id)))
        .condition_expression("outboxGap < :looked")
        .expression_attribute_values(":looked", serde_dynamo::to_attribute_value(looked_at)?)
        .return_values(ReturnValue::AllNew);
    send(db, Update::default().remove("outboxGap").apply(request)).await.map(drop)
}

/// Writes down what the connector reports. `None` when the device is gone or being deleted.
pub async fn report(
    db: &Db,
    tenant: TenantId,
    id: DeviceId,
    report: Report,
    now: Timestamp,
) -> Result<Option<Device>, StoreError> {
    let update = Update::default()
        .set_some("status", report.status)?
        .set_some("phoneNumber", report.phone_number)?
        .set_some("lid", report.lid)?
        .set_some("pushName", report.push_name)?
        .set_some("lastError", report.last_error)?
        .set_some("lastSeenAt", report.last_seen_at)?
        .set_some("desired", report.desired)?
        .set("updatedAt", now)?;
    let update = match report.desired {
        // Whoever is to be linked anew asks anew.
        Some(_) => update.set("allowNumberChange", false)?,
        None => update,
    };
    let update = match report.qr {
        Some(qr) => update.set_value("qr", db.to_value(Table::Devices, &key(tenant, id), "qr", qr)?),
        None => update,
    };
    send(db, update.apply(live(db, tenant, id)?)).await
}

/// Writes down which number a device is linked to from now on: `generation` is its place in `numbers`. `None` when
/// the device is gone or being deleted, or its link is not the one of `former` any more.
pub async fn relink(
    db: &Db,
    former: Link,
    generation: u32,
    numbers: &[PhoneNumber],
    now: Timestamp,
) -> Result<Option<Device>, StoreError> {
    let Link { tenant, device, generation: was } = former;
    let mut update = Update::default()
        .set("numbers", numbers)?
        .set("generation", generation)?
        .set("allowNumberChange", false)?
        .set("updatedAt", now)?;
    if generation != was {
        // What is accepted from now on is not to be judged by what a lane knows of the former link.
        update = update.add("sendRules", 1)?;
    }
    let request = live(db, tenant, device)?
        .condition_expression(
            "attribute_exists(id) AND desired <> :deleted \
             AND (attribute_not_exists(generation) OR generation = :was)",
        )
        .expression_attribute_values(":was", AttributeValue::N(was.to_string()));
    send(db, update.apply(request)).await
}

/// Deletes the row: the last step of deleting a device.
pub async fn delete(db: &Db, tenant: TenantId, id: DeviceId) -> Result<(), StoreError> {
    let delete = Delete::builder()
        .table_name(db.table(Table::Devices))
        .set_key(Some(key(tenant, id)))
        .condition_expression("attribute_exists(id)")
        .build()
        .expect("table and key are given");
    let count = count(db, tenant, -1).build().expect("table, key and expression are given");
    let writes = vec![
        TransactWriteItem::builder().delete(delete).build(),
        TransactWriteItem::builder().update(count).build(),
    ];
    // Refused when it is gone already: then it is counted already, too.
    transact(db, writes).await.map(drop)
}

/// Every device of a tenant, those that are being deleted among them.
pub async fn list_all(db: &Db, tenant: TenantId) -> Result<Vec<Device>, StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Devices))
        .key_condition_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(tenant.to_string()))
        .consistent_read(true);
    query_all(db, query).await
}

fn by_shard(db: &Db, shard: u16) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Devices))
        .index_name("by-shard")
        .key_condition_expression("shardKey = :shard")
        .expression_attribute_values(":shard", AttributeValue::S(keys::shard_partition(shard)))
}

pub(super) fn key(tenant: TenantId, id: DeviceId) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("accountId".into(), AttributeValue::S(tenant.to_string())),
        ("id".into(), AttributeValue::S(id.to_string())),
    ])
}

/// An update of a device that exists and is not being deleted.
fn live(db: &Db, tenant: TenantId, id: DeviceId) -> Result<UpdateItemFluentBuilder, StoreError> {
    Ok(db
        .client()
        .update_item()
        .table_name(db.table(Table::Devices))
        .set_key(Some(key(tenant, id)))
        .condition_expression("attribute_exists(id) AND desired <> :deleted")
        .expression_attribute_values(":deleted", serde_dynamo::to_attribute_value(Desired::Deleted)?)
        .return_values(ReturnValue::AllNew))
}

async fn send(db: &Db, request: UpdateItemFluentBuilder) -> Result<Option<Device>, StoreError> {
    match request.send().await {
        Ok(answer) => Ok(Some(db.read_item(Table::Devices, answer.attributes.unwrap_or_default())?)),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
