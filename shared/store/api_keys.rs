//! API keys. The partition key is the hash of the secret, so that a request is authenticated in one read.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{Db, Page, StoreError, Table, db::to_item, page::query_page};
use crate::{
    cursor::LastKey,
    domain::{
        api_key::ApiKey,
        ids::{AccountId, ApiKeyId},
    },
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key_hash: String,
    #[serde(flatten)]
    key: ApiKey,
}

/// Stores a new key under the hash of its secret.
pub async fn create(db: &Db, key_hash: String, key: &ApiKey) -> Result<(), StoreError> {
    let row = Row { key_hash, key: key.clone() };
    db.client()
        .put_item()
        .table_name(db.table(Table::ApiKeys))
        .set_item(Some(to_item(row)?))
        .condition_expression("attribute_not_exists(keyHash)")
        .send()
        .await?;
    Ok(())
}

/// The key whose secret has this hash.
pub async fn find(db: &Db, key_hash: &str) -> Result<Option<ApiKey>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::ApiKeys))
        .key("keyHash", AttributeValue::S(key_hash.into()))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.map(serde_dynamo::from_item::<_, Row>).transpose()?.map(|row| row.key))
}

/// An account's keys, oldest first.
pub async fn list(
    db: &Db,
    tenant: AccountId,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<ApiKey>, StoreError> {
    let page: Page<Row> = query_page(of_account(db, tenant), limit, from).await?;
    Ok(page.map(|row| row.key))
}

/// Deletes a key of an account. Says whether there was one.
pub async fn delete(db: &Db, tenant: AccountId, id: ApiKeyId) -> Result<bool, StoreError> {
    let query = of_account(db, tenant)
        .key_condition_expression("accountId = :account AND id = :id")
        .expression_attribute_values(":id", AttributeValue::S(id.to_string()));
    let found: Page<Row> = query_page(query, 1, None).await?;
    let Some(row) = found.items.into_iter().next() else { return Ok(false) };
    db.client()
        .delete_item()
        .table_name(db.table(Table::ApiKeys))
        .key("keyHash", AttributeValue::S(row.key_hash))
        .send()
        .await?;
    Ok(true)
}

fn of_account(
    db: &Db,
    tenant: AccountId,
) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::ApiKeys))
        .index_name("by-account")
        .key_condition_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(tenant.to_string()))
}
