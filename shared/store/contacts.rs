//! Who is who among the contacts of a link. A person goes by the phone number, or by the LID while the number is
//! not known. Conditional writes decide who comes first:
//!
//! - a LID's row is there from when something is stored under it, or from when its number is known;
//! - a number's row lists the LIDs under which something may be stored, so that its chat shows that, too.
//!
//! So nothing has to move when LID and number are found to be one person (docs/adr/0025).

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use serde::{Deserialize, Serialize};

use super::{
    Db, StoreError, Table, keys,
    page::{batch_get, delete_all},
};
use crate::domain::{device::Link, jid::Jid};

/// A LID.
#[derive(Serialize, Deserialize)]
struct LidRow {
    pk: String,
    identity: Jid,
    /// The number behind it, when known.
    phone: Option<Jid>,
}

/// A phone number.
#[derive(Deserialize)]
struct PhoneRow {
    #[serde(default)]
    lids: Vec<Jid>,
}

/// What is known of a LID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing may be stored under it.
    Unmet,
    /// Something may be stored under it, and its number is not known.
    Alone,
    /// Its number.
    Number(Jid),
}

/// What is known of a LID now.
pub async fn known(db: &Db, link: Link, lid: &Jid) -> Result<Known, StoreError> {
    let row: Option<LidRow> = get(db, link, lid).await?;
    Ok(row.map_or(Known::Unmet, Known::of))
}

/// The phone number behind a LID, when the device knows it.
pub async fn phone_of(db: &Db, link: Link, lid: &Jid) -> Result<Option<Jid>, StoreError> {
    Ok(known(db, link, lid).await?.number())
}

/// The numbers behind LIDs, of those whose numbers are known.
pub async fn phones_of(db: &Db, of: &[(Link, Jid)]) -> Result<HashMap<(Link, Jid), Jid>, StoreError> {
    let links: HashMap<String, Link> =
        of.iter().map(|(link, _)| (keys::link_partition(*link), *link)).collect();
    let wanted = of.iter().map(|(link, lid)| key(*link, lid)).collect();
    let rows: Vec<LidRow> = batch_get(db, Table::Contacts, wanted).await?;
    let pairs = rows.into_iter().filter_map(|row| Some(((*links.get(&row.pk)?, row.identity), row.phone?)));
    Ok(pairs.collect())
}

/// The LIDs under which something of a phone number's chat may be stored.
pub async fn lids_of(db: &Db, link: Link, phone: &Jid) -> Result<Vec<Jid>, StoreError> {
    let row: Option<PhoneRow> = get(db, link, phone).await?;
    Ok(row.map(|row| row.lids).unwrap_or_default())
}

/// To be asked before anything is stored under a LID: from then on, whoever finds out its number knows of it.
/// Says what was known before.
pub async fn meet(db: &Db, link: Link, lid: &Jid) -> Result<Known, StoreError> {
    match known(db, link, lid).await? {
        Known::Unmet => put_first(db, link, lid, None).await,
        known => Ok(known),
    }
}

/// Writes down the number of a LID under which nothing can be stored yet. Says what was known before.
pub async fn learn(db: &Db, link: Link, lid: &Jid, phone: &Jid) -> Result<Known, StoreError> {
    put_first(db, link, lid, Some(phone.clone())).await
}

/// Has a number's chat show what is stored under a LID.
pub async fn follow(db: &Db, link: Link, lid: &Jid, phone: &Jid) -> Result<(), StoreError> {
    db.client()
        .update_item()
        .table_name(db.table(Table::Contacts))
        .set_key(Some(key(link, phone)))
        .update_expression("ADD lids :lid")
        .expression_attribute_values(":lid", AttributeValue::Ss(vec![lid.to_string()]))
        .send()
        .await?;
    Ok(())
}

/// Writes down the number of a LID, whatever was known of it before.
pub async fn set_phone(db: &Db, link: Link, lid: &Jid, phone: &Jid) -> Result<(), StoreError> {
    let put = db.client().put_item().table_name(db.table(Table::Contacts));
    put.set_item(Some(db.to_item(Table::Contacts, row(link, lid, Some(phone.clone())))?)).send().await?;
    Ok(())
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

impl Known {
    fn of(row: LidRow) -> Self {
        row.phone.map_or(Self::Alone, Self::Number)
    }

    /// The number, when it is known.
    pub fn number(self) -> Option<Jid> {
        match self {
            Self::Number(phone) => Some(phone),
            Self::Unmet | Self::Alone => None,
        }
    }
}

async fn put_first(db: &Db, link: Link, lid: &Jid, phone: Option<Jid>) -> Result<Known, StoreError> {
    let put = db
        .client()
        .put_item()
        .table_name(db.table(Table::Contacts))
        .set_item(Some(db.to_item(Table::Contacts, row(link, lid, phone))?))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let error = match put.send().await {
        Ok(_) => return Ok(Known::Unmet),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(first)) => {
            let item = first.item().cloned().unwrap_or_default();
            Ok(Known::of(db.read_item(Table::Contacts, item)?))
        }
        _ => Err(error.into()),
    }
}

async fn get<T: serde::de::DeserializeOwned>(
    db: &Db,
    link: Link,
    jid: &Jid,
) -> Result<Option<T>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Contacts))
        .set_key(Some(key(link, jid)))
        .consistent_read(true)
        .send()
        .await?;
    answer.item.map(|item| db.read_item(Table::Contacts, item)).transpose()
}

fn row(link: Link, lid: &Jid, phone: Option<Jid>) -> LidRow {
    LidRow { pk: keys::link_partition(link), identity: lid.clone(), phone }
}

fn key(link: Link, jid: &Jid) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(keys::link_partition(link))),
        ("identity".into(), AttributeValue::S(jid.to_string())),
    ])
}
