//! Which phone number belongs to a LID, as one device learned it under one number.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{Db, StoreError, Table, keys, page::delete_all};
use crate::domain::{device::Link, jid::Jid};

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    /// The LID.
    identity: Jid,
    phone: Jid,
}

/// Writes down that a LID and a phone number are one contact.
pub async fn link(db: &Db, link: Link, lid: &Jid, phone: &Jid) -> Result<(), StoreError> {
    let row = Row { pk: keys::link_partition(link), identity: lid.clone(), phone: phone.clone() };
    let put = db.client().put_item().table_name(db.table(Table::Contacts));
    put.set_item(Some(db.to_item(Table::Contacts, row)?)).send().await?;
    Ok(())
}

/// The phone number behind a LID, when the device knows it.
pub async fn phone_of(db: &Db, link: Link, lid: &Jid) -> Result<Option<Jid>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Contacts))
        .key("pk", AttributeValue::S(keys::link_partition(link)))
        .key("identity", AttributeValue::S(lid.to_string()))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.map(|item| db.from_item::<Row>(Table::Contacts, item)).transpose()?.map(|row| row.phone))
}

/// Forgets every contact of a link.
pub async fn delete_of_link(db: &Db, link: Link) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Contacts))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::link_partition(link)))
        .consistent_read(true)
        .projection_expression("pk, #identity")
        .expression_attribute_names("#identity", "identity");
    delete_all(db, Table::Contacts, query).await
}
