//! Refresh tokens: one row for each family, which holds the hash of the only token that works now.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::{Deserialize, Serialize};

use super::{Db, StoreError, Table, page::delete_all, update::Update};
use crate::{
    clock::Timestamp,
    domain::ids::{AccountId, TokenFamilyId},
};

/// How long a family lives after its last use.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    family_id: TokenFamilyId,
    account_id: AccountId,
    token_hash: String,
    /// Which generation of the account's tokens it is of.
    generation: u32,
    /// When DynamoDB may drop the row, in seconds since 1970. It does so late, so reads check it too.
    ttl: i64,
}

/// What came of using a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The next token is in force, for this account and of this generation.
    Done(AccountId, u32),
    /// The family exists and this was not its newest token: somebody used it before.
    Reused,
    /// There is no such family, or it ended.
    Unknown,
}

/// Begins a family.
pub async fn create(
    db: &Db,
    family: TokenFamilyId,
    account: AccountId,
    generation: u32,
    token_hash: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = Row {
        family_id: family,
        account_id: account,
        token_hash,
        generation,
        ttl: (now + LIFETIME).unix_seconds(),
    };
    db.client()
        .put_item()
        .table_name(db.table(Table::RefreshTokens))
        .set_item(Some(db.to_item(Table::RefreshTokens, row)?))
        .send()
        .await?;
    Ok(())
}

/// Exchanges the family's token for its next one, in one conditional write: of two who use the same
/// token at once, one wins.
pub async fn rotate(
    db: &Db,
    family: TokenFamilyId,
    token_hash: &str,
    next_hash: &str,
    now: Timestamp,
) -> Result<Rotation, StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::RefreshTokens))
        .key("familyId", AttributeValue::S(family.to_string()))
        .condition_expression("tokenHash = :old AND #ttl > :now")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":old", AttributeValue::S(token_hash.into()))
        .expression_attribute_values(":now", AttributeValue::N(now.unix_seconds().to_string()))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(
            aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
        );
    let update =
        Update::default().set("tokenHash", next_hash)?.set("ttl", (now + LIFETIME).unix_seconds())?;
    match update.apply(request).send().await {
        Ok(answer) => {
            let row: Row = db.read_item(Table::RefreshTokens, answer.attributes.unwrap_or_default())?;
            Ok(Rotation::Done(row.account_id, row.generation))
        }
        Err(error) => match error.as_service_error() {
            Some(
                aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(e),
            ) => {
                let row: Option<Row> =
                    e.item().map(|item| db.read_item(Table::RefreshTokens, item.clone())).transpose()?;
                Ok(match row {
                    // The write went through and its answer was lost: the SDK tried again.
                    Some(row) if row.token_hash == next_hash => {
                        Rotation::Done(row.account_id, row.generation)
                    }
                    Some(row) if row.ttl > now.unix_seconds() => Rotation::Reused,
                    _ => Rotation::Unknown,
                })
            }
            _ => Err(error.into()),
        },
    }
}

/// Whether a family goes on.
pub async fn exists(db: &Db, family: TokenFamilyId) -> Result<bool, StoreError> {
    let read = || {
        db.client()
            .get_item()
            .table_name(db.table(Table::RefreshTokens))
            .key("familyId", AttributeValue::S(family.to_string()))
            .projection_expression("familyId")
    };
    // Half the price; what it does not find may be too young for it.
    if read().send().await?.item.is_some() {
        return Ok(true);
    }
    Ok(read().consistent_read(true).send().await?.item.is_some())
}

/// Ends a family: none of its tokens works any more. Says whose it was, if there was one.
pub async fn delete(db: &Db, family: TokenFamilyId) -> Result<Option<AccountId>, StoreError> {
    let answer = db
        .client()
        .delete_item()
        .table_name(db.table(Table::RefreshTokens))
        .key("familyId", AttributeValue::S(family.to_string()))
        .return_values(ReturnValue::AllOld)
        .send()
        .await?;
    let row: Option<Row> = answer.attributes.map(serde_dynamo::from_item).transpose()?;
    Ok(row.map(|row| row.account_id))
}

/// Ends every family of an account.
pub async fn delete_of_account(db: &Db, account: AccountId) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::RefreshTokens))
        .index_name("by-account")
        .key_condition_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(account.to_string()))
        .projection_expression("familyId");
    delete_all(db, Table::RefreshTokens, query).await
}
