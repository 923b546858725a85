//! Under which master key the rows of this deployment are sealed.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::{Db, StoreError, Table, keys};

/// The check value that this deployment was first started with: `value`, when this is the first start.
pub async fn first(db: &Db, value: &str) -> Result<String, StoreError> {
    let updated = db
        .client()
        .update_item()
        .table_name(db.table(Table::Leases))
        .key("pk", AttributeValue::S(keys::DEPLOYMENT.into()))
        .key("shard", AttributeValue::S(keys::KEY_CHECK.into()))
        .update_expression("SET #value = if_not_exists(#value, :value)")
        .expression_attribute_names("#value", "value")
        .expression_attribute_values(":value", AttributeValue::S(value.into()))
        .return_values(ReturnValue::AllNew)
        .send()
        .await?;
    let stored = updated.attributes.and_then(|mut row| row.remove("value"));
    Ok(match stored {
        Some(AttributeValue::S(stored)) => stored,
        _ => String::new(),
    })
}
