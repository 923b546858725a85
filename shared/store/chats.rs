//! Chats, by device; the index `by-activity` has them in the order of their newest message.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Db, Page, StoreError, Table, keys,
    page::{delete_all, query_page},
    update::Update,
};
use crate::{
    cursor::LastKey,
    domain::{
        chat::Chat,
        ids::{DeviceId, TenantId},
        jid::Jid,
    },
};

/// Shows a message as its chat's newest, unless a newer one is shown. What the chat knows and `chat` does
/// not (name, LID) stays.
pub async fn touch(db: &Db, tenant: TenantId, device: DeviceId, chat: &Chat) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Chats))
        .set_key(Some(key(tenant, device, &chat.jid)))
        .condition_expression("attribute_not_exists(lastMessageAt) OR lastMessageAt <= :at")
        .expression_attribute_values(":at", serde_dynamo::to_attribute_value(chat.last_message_at)?);
    let update = Update::default()
        .set_some("lid", chat.lid.as_ref())?
        .set_some("name", chat.name.as_ref())?
        .set("lastMessageAt", chat.last_message_at)?
        .set("lastMessageId", chat.last_message_id)?
        .set("lastMessagePreview", &chat.last_message_preview)?
        .set("position", keys::position(chat.last_message_at, &chat.jid.to_string()))?;
    match update.apply(request).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// One chat.
pub async fn get(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    chat: &Jid,
) -> Result<Option<Chat>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Chats))
        .set_key(Some(key(tenant, device, chat)))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item.map(serde_dynamo::from_item).transpose()?)
}

/// A device's chats, the one with the newest message first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Chat>, StoreError> {
    let query = of_device(db, tenant, device).index_name("by-activity").scan_index_forward(false);
    query_page(query, &["pk", "chat", "position"], limit, from).await
}

/// Removes one chat, not its messages.
pub async fn delete(db: &Db, tenant: TenantId, device: DeviceId, chat: &Jid) -> Result<(), StoreError> {
    db.client()
        .delete_item()
        .table_name(db.table(Table::Chats))
        .set_key(Some(key(tenant, device, chat)))
        .send()
        .await?;
    Ok(())
}

/// Removes every chat of a device.
pub async fn delete_of_device(db: &Db, tenant: TenantId, device: DeviceId) -> Result<(), StoreError> {
    delete_all(
        db,
        Table::Chats,
        of_device(db, tenant, device).consistent_read(true).projection_expression("pk, chat"),
    )
    .await
}

fn of_device(
    db: &Db,
    tenant: TenantId,
    device: DeviceId,
) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Chats))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::device_partition(tenant, device)))
}

fn key(tenant: TenantId, device: DeviceId, chat: &Jid) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(keys::device_partition(tenant, device))),
        ("chat".into(), AttributeValue::S(chat.to_string())),
    ])
}
