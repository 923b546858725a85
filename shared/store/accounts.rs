//! Accounts. An address is claimed by a row of its own, in the same transaction as the account, so that
//! it stays unique however many register at once.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::{Db, StoreError, Table, db::to_item, keys, update::Update};
use crate::{
    clock::Timestamp,
    domain::{
        account::{Account, Email},
        ids::AccountId,
    },
};

/// An account as it is stored: with the hash of its password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRow {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// PHC string of argon2id.
    pub password_hash: String,
}

#[derive(Serialize)]
struct Keyed<'a, T> {
    pk: String,
    #[serde(flatten)]
    row: &'a T,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailClaim {
    account_id: AccountId,
}

/// What came of creating an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It exists now.
    Done,
    /// Another account has the address.
    EmailTaken,
}

/// Stores a new account and claims its address.
pub async fn create(db: &Db, row: &AccountRow) -> Result<Created, StoreError> {
    let claim = EmailClaim { account_id: row.account.id };
    let put = |item| {
        Put::builder()
            .table_name(db.table(Table::Accounts))
            .condition_expression("attribute_not_exists(pk)")
            .set_item(Some(item))
            .build()
            .expect("table and item are given")
    };
    let account = put(to_item(Keyed { pk: keys::account(row.account.id), row })?);
    let email = put(to_item(Keyed { pk: keys::email(&row.account.email), row: &claim })?);
    let result = db
        .client()
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(account).build())
        .transact_items(TransactWriteItem::builder().put(email).build())
        .send()
        .await;
    match result {
        Ok(_) => Ok(Created::Done),
        Err(error) => {
            let failed_condition = error
                .as_service_error()
                .and_then(|e| match e {
                    aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(e) => Some(e),
                    _ => None,
                })
                .is_some_and(|e| {
                    e.cancellation_reasons()
                        .iter()
                        .any(|reason| reason.code() == Some("ConditionalCheckFailed"))
                });
            if failed_condition { Ok(Created::EmailTaken) } else { Err(error.into()) }
        }
    }
}

/// One account.
pub async fn get(db: &Db, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    read(db, keys::account(id)).await
}

/// The account that an address belongs to.
pub async fn find_by_email(db: &Db, email: &Email) -> Result<Option<AccountRow>, StoreError> {
    match read::<EmailClaim>(db, keys::email(email)).await? {
        Some(claim) => get(db, claim.account_id).await,
        None => Ok(None),
    }
}

async fn read<T: serde::de::DeserializeOwned>(db: &Db, pk: String) -> Result<Option<T>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(pk))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.map(serde_dynamo::from_item).transpose()?)
}

/// Writes down a login.
pub async fn set_last_login(db: &Db, id: AccountId, at: Timestamp) -> Result<(), StoreError> {
    change(db, id, Update::default().set("lastLoginAt", at)?).await
}

/// Changes the name.
pub async fn rename(db: &Db, id: AccountId, name: &str) -> Result<(), StoreError> {
    change(db, id, Update::default().set("name", name)?).await
}

/// Changes the password.
pub async fn set_password_hash(db: &Db, id: AccountId, hash: &str) -> Result<(), StoreError> {
    change(db, id, Update::default().set("passwordHash", hash)?).await
}

async fn change(db: &Db, id: AccountId, update: Update) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(id)))
        .condition_expression("attribute_exists(pk)");
    update.apply(request).send().await?;
    Ok(())
}
