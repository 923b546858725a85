//! Whether a table is there and may be used, found out by a request that changes nothing.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Db, StoreError, Table, tables};

/// The key of a row that nobody ever writes.
const NOBODY: &str = "deployment-check";

/// Does to a table one of these actions, the gentlest. Actions go by their names in AWS.
///
/// # Errors
/// What DynamoDB says; [`Db::faults`] knows what is behind it.
pub async fn probe(db: &Db, table: Table, actions: &[&str]) -> Result<(), StoreError> {
    let (client, name) = (db.client(), db.table(table));
    let (partition, sort) = tables::key_of(table);
    let keys = [Some(partition.clone()), sort].into_iter().flatten();
    let key: HashMap<_, _> = keys.map(|name| (name, AttributeValue::S(NOBODY.into()))).collect();
    if actions.contains(&"GetItem") {
        client.get_item().table_name(name).set_key(Some(key)).send().await?;
    } else if actions.contains(&"Query") {
        let query = client.query().table_name(name).limit(1).key_condition_expression("#key = :key");
        let query = query.expression_attribute_names("#key", partition);
        query.expression_attribute_values(":key", AttributeValue::S(NOBODY.into())).send().await?;
    } else if actions.contains(&"UpdateItem") {
        let update = client.update_item().table_name(name).set_key(Some(key));
        let update = update
            .update_expression("SET #nothing = :nothing")
            // Never holds.
            .condition_expression("attribute_exists(#key) AND attribute_not_exists(#key)")
            .expression_attribute_names("#key", partition)
            .expression_attribute_names("#nothing", "nothing")
            .expression_attribute_values(":nothing", AttributeValue::Bool(true));
        match update.send().await {
            Err(error)
                if !error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(())
}
