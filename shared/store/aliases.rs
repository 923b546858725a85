//! Foreign names of devices. A name is claimed by a row of its own in `devices`, written together with the device that
//! has it: so it is unique, and one read finds the device.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update as UpdateWrite};
use serde::{Deserialize, Serialize};

use super::{
    Db, StoreError, Table, devices, keys,
    transact::{Transacted, transact},
};
use crate::domain::{
    alias::{Alias, MAX_ALIASES},
    device::{Desired, Device},
    ids::{DeviceId, TenantId},
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    /// The partition, as of every row of the table.
    account_id: String,
    id: String,
    tenant: TenantId,
    device: DeviceId,
}

/// What came of naming a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// It has the name now.
    Done,
    /// Another device has it, or this one.
    Taken,
    /// There is no such device, it has all the names that it may have, or was named by another request meanwhile.
    Refused,
}

/// Gives a device another name.
pub async fn add(db: &Db, device: &Device, alias: &Alias) -> Result<Named, StoreError> {
    if device.aliases.len() >= MAX_ALIASES {
        return Ok(Named::Refused);
    }
    let (account_id, id) = keys::alias(alias);
    let claim = Claim { account_id, id, tenant: device.account_id, device: device.id };
    let put = Put::builder()
        .table_name(db.table(Table::Devices))
        .set_item(Some(db.to_item(Table::Devices, claim)?))
        .condition_expression("attribute_not_exists(id)")
        .build()
        .expect("table and item are given");
    let named = [&device.aliases[..], std::slice::from_ref(alias)].concat();
    let writes = vec![TransactWriteItem::builder().put(put).build(), rename(db, device, &named)?];
    Ok(match transact(db, writes).await? {
        Transacted::Done => Named::Done,
        Transacted::Refused(refused) if refused.contains(&0) => Named::Taken,
        Transacted::Refused(_) => Named::Refused,
    })
}

/// Takes a name from a device. Says whether it was its name, and the device is as it was read.
pub async fn remove(db: &Db, device: &Device, alias: &Alias) -> Result<bool, StoreError> {
    let mut left = device.aliases.clone();
    left.retain(|of_device| of_device != alias);
    if left.len() == device.aliases.len() {
        return Ok(false);
    }
    let delete = Delete::builder().table_name(db.table(Table::Devices)).set_key(Some(claim_key(alias)));
    let delete = delete.build().expect("table and key are given");
    let writes = vec![TransactWriteItem::builder().delete(delete).build(), rename(db, device, &left)?];
    Ok(transact(db, writes).await? == Transacted::Done)
}

/// The device that has a name, and its tenant.
pub async fn find(db: &Db, alias: &Alias) -> Result<Option<(TenantId, DeviceId)>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Devices))
        .set_key(Some(claim_key(alias)))
        .consistent_read(true)
        .send()
        .await?;
    let claim: Option<Claim> = answer.item.map(|item| db.read_item(Table::Devices, item)).transpose()?;
    Ok(claim.map(|claim| (claim.tenant, claim.device)))
}

/// Frees the names of a device that is being deleted, which gets no others any more.
pub async fn delete_of_device(db: &Db, tenant: TenantId, id: DeviceId) -> Result<(), StoreError> {
    let aliases = devices::get(db, tenant, id).await?.map(|device| device.aliases).unwrap_or_default();
    for alias in &aliases {
        let request = db.client().delete_item().table_name(db.table(Table::Devices));
        request.set_key(Some(claim_key(alias))).send().await?;
    }
    Ok(())
}

fn claim_key(alias: &Alias) -> HashMap<String, AttributeValue> {
    let (partition, id) = keys::alias(alias);
    HashMap::from([
        ("accountId".to_owned(), AttributeValue::S(partition)),
        ("id".to_owned(), AttributeValue::S(id)),
    ])
}

/// Writes down a device's names, unless it is being deleted or they have changed since it was read.
fn rename(db: &Db, device: &Device, aliases: &[Alias]) -> Result<TransactWriteItem, StoreError> {
    let update = UpdateWrite::builder()
        .table_name(db.table(Table::Devices))
        .set_key(Some(devices::key(device.account_id, device.id)))
        .update_expression("SET aliases = :aliases")
        .expression_attribute_values(":aliases", serde_dynamo::to_attribute_value(aliases)?)
        .expression_attribute_values(":deleted", serde_dynamo::to_attribute_value(Desired::Deleted)?);
    let update = if device.aliases.is_empty() {
        let unnamed = "desired <> :deleted AND (attribute_not_exists(aliases) OR size(aliases) = :none)";
        update
            .condition_expression(unnamed)
            .expression_attribute_values(":none", AttributeValue::N("0".into()))
    } else {
        let before = serde_dynamo::to_attribute_value(&device.aliases)?;
        update
            .condition_expression("desired <> :deleted AND aliases = :before")
            .expression_attribute_values(":before", before)
    };
    let update = update.build().expect("table, key and expression are given");
    Ok(TransactWriteItem::builder().update(update).build())
}
