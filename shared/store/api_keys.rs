//! API keys. The partition key is the hash of the secret, so that a request is authenticated in one read.

use std::time::Duration;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table,
    page::{delete_all, query_page},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        api_key::ApiKey,
        ids::{AccountId, ApiKeyId, TenantId},
    },
};

/// How exactly the last use of a key is known.
pub const USE_RESOLUTION: Duration = Duration::from_secs(5 * 60);

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
        .set_item(Some(db.to_item(Table::ApiKeys, row)?))
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
    Ok(answer.item.map(|item| db.read_item::<Row>(Table::ApiKeys, item)).transpose()?.map(|row| row.key))
}

/// A tenant's keys, oldest first; only those of one account when given.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    account: Option<AccountId>,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<ApiKey>, StoreError> {
    let query = match account {
        Some(account) => of_account(db, tenant, account),
        None => of_tenant(db, tenant),
    };
    let page: Page<Row> = query_page(db, query, &["keyHash", "tenantId", "id"], limit, from).await?;
    Ok(page.map(|row| row.key))
}

/// A key of a tenant, and the hash of its secret.
pub async fn find_by_id(
    db: &Db,
    tenant: TenantId,
    id: ApiKeyId,
) -> Result<Option<(String, ApiKey)>, StoreError> {
    let query = of_tenant(db, tenant)
        .key_condition_expression("tenantId = :tenant AND id = :id")
        .expression_attribute_values(":id", AttributeValue::S(id.to_string()));
    // The index may lag behind a key that was made just now.
    for pause in [0, 100, 400] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let page: Page<Row> = query_page(db, query.clone(), &["keyHash", "tenantId", "id"], 1, None).await?;
        if let Some(row) = page.items.into_iter().next() {
            return Ok(Some((row.key_hash, row.key)));
        }
    }
    Ok(None)
}

/// Deletes a key, if it is there.
pub async fn delete(db: &Db, key_hash: &str) -> Result<(), StoreError> {
    db.client()
        .delete_item()
        .table_name(db.table(Table::ApiKeys))
        .key("keyHash", AttributeValue::S(key_hash.into()))
        .send()
        .await?;
    Ok(())
}

/// Writes down a use. Called at most once in [`USE_RESOLUTION`]: a key used all the time costs little.
pub async fn set_last_used(db: &Db, key_hash: &str, at: Timestamp) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::ApiKeys))
        .key("keyHash", AttributeValue::S(key_hash.into()))
        .condition_expression("attribute_exists(keyHash)");
    match Update::default().set("lastUsedAt", at)?.apply(request).send().await {
        Ok(_) => Ok(()),
        // Revoked in between.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Deletes every key of a tenant.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    delete_all(db, Table::ApiKeys, of_tenant(db, tenant).projection_expression("keyHash")).await
}

/// Deletes every key that an account has in a tenant.
pub async fn delete_of_account(db: &Db, tenant: TenantId, account: AccountId) -> Result<(), StoreError> {
    delete_all(db, Table::ApiKeys, of_account(db, tenant, account).projection_expression("keyHash")).await
}

fn of_tenant(db: &Db, tenant: TenantId) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::ApiKeys))
        .index_name("by-tenant")
        .key_condition_expression("tenantId = :tenant")
        .expression_attribute_values(":tenant", AttributeValue::S(tenant.to_string()))
}

fn of_account(db: &Db, tenant: TenantId, account: AccountId) -> QueryFluentBuilder {
    of_tenant(db, tenant)
        .filter_expression("accountId = :account")
        .expression_attribute_values(":account", AttributeValue::S(account.to_string()))
}
