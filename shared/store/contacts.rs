//! Which phone number belongs to a LID, as one device learned it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{Db, StoreError, Table, db::to_item, keys, page::delete_all};
use crate::domain::{
    ids::{DeviceId, TenantId},
    jid::Jid,
};

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    /// The LID.
    identity: Jid,
    phone: Jid,
}

/// Writes down that a LID and a phone number are one contact.
pub async fn link(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    lid: &Jid,
    phone: &Jid,
) -> Result<(), StoreError> {
    let row = Row { pk: keys::device_partition(tenant, device), identity: lid.clone(), phone: phone.clone() };
    let put = db.client().put_item().table_name(db.table(Table::Contacts));
    put.set_item(Some(to_item(row)?)).send().await?;
    Ok(())
}

/// The phone number behind a LID, when the device knows it.
pub async fn phone_of(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    lid: &Jid,
) -> Result<Option<Jid>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Contacts))
        .key("pk", AttributeValue::S(keys::device_partition(tenant, device)))
        .key("identity", AttributeValue::S(lid.to_string()))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.map(serde_dynamo::from_item::<_, Row>).transpose()?.map(|row| row.phone))
}

/// Forgets every contact of a device.
pub async fn delete_of_device(db: &Db, tenant: TenantId, device: DeviceId) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Contacts))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::device_partition(tenant, device)))
        .consistent_read(true)
        .projection_expression("pk, #identity")
        .expression_attribute_names("#identity", "identity");
    delete_all(db, Table::Contacts, query).await
}
