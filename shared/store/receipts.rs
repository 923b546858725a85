//! Receipts of the members of groups: a row beside the message's, in the same partition, with two sets. The
//! message's own row stays small, and adding somebody twice does no harm.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Db, StoreError, Table, messages::key};
use crate::{
    clock::Timestamp,
    domain::{
        ids::{DeviceId, TenantId},
        jid::Jid,
        receipts::Receipts,
    },
};

const DELIVERED: &str = "deliveredTo";
const READ: &str = "readBy";

/// Adds members to those who have a message, until `until` when that is given. `derived_id` is the message's sort
/// key. A message that has them of [`Receipts::MAX_MEMBERS`] members takes no more.
pub async fn add(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    derived_id: &str,
    receipts: &Receipts,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let sets = [(DELIVERED, &receipts.delivered_to), (READ, &receipts.read_by)];
    let mut request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Messages))
        .set_key(Some(key(tenant, device, &sort_key(derived_id))))
        .condition_expression("attribute_not_exists(#has) OR size(#has) < :most")
        .expression_attribute_names("#has", DELIVERED)
        .expression_attribute_values(":most", AttributeValue::N(Receipts::MAX_MEMBERS.to_string()));
    let mut adds = Vec::new();
    for (n, (name, jids)) in sets.into_iter().enumerate().filter(|(_, (_, jids))| !jids.is_empty()) {
        let set = jids.iter().map(ToString::to_string).collect();
        adds.push(format!("#set{n} :set{n}"));
        request = request
            .expression_attribute_names(format!("#set{n}"), name)
            .expression_attribute_values(format!(":set{n}"), AttributeValue::Ss(set));
    }
    if adds.is_empty() {
        return Ok(());
    }
    let mut update = format!("ADD {}", adds.join(", "));
    if let Some(until) = until {
        update.push_str(" SET #ttl = :ttl");
        request = request
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", AttributeValue::N(until.unix_seconds().to_string()));
    }
    match request.update_expression(update).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Who has a message.
pub async fn get(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    derived_id: &str,
) -> Result<Receipts, StoreError> {
    let request = db.client().get_item().table_name(db.table(Table::Messages));
    let request = request.set_key(Some(key(tenant, device, &sort_key(derived_id)))).consistent_read(true);
    let row = request.send().await?.item.unwrap_or_default();
    Ok(Receipts::of(set(&row, DELIVERED), set(&row, READ)))
}

fn set(row: &HashMap<String, AttributeValue>, name: &str) -> Vec<Jid> {
    let texts = row.get(name).and_then(|value| value.as_ss().ok());
    texts.into_iter().flatten().filter_map(|text| text.parse().ok()).collect()
}

fn sort_key(derived_id: &str) -> String {
    format!("{derived_id}#receipts")
}
