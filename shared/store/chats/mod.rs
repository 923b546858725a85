//! Chats, by device. The index `by-day` has them by the day of their newest message, so that only the first
//! message of a day is written to it, too; [`pages`] makes the order in which they are shown.

mod pages;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use super::{
    Db, Page, StoreError, Table, keys,
    page::{batch_get, delete_all, query_page},
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
        .set("activity", keys::activity(chat.last_message_at, &chat.jid))?;
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
    pages::page(&OfDevice { db, tenant, device }, limit, from).await
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

/// The chats of one device, as [`pages`] asks for them.
struct OfDevice<'a> {
    db: &'a Db,
    tenant: TenantId,
    device: DeviceId,
}

impl pages::Source for OfDevice<'_> {
    async fn places(&self, below: Option<&str>, limit: u16) -> Result<(Vec<String>, bool), StoreError> {
        #[derive(Deserialize)]
        struct Key {
            activity: String,
        }
        let mut query = of_device(self.db, self.tenant, self.device);
        if let Some(below) = below {
            query = query
                .key_condition_expression("pk = :pk AND activity < :below")
                .expression_attribute_values(":below", AttributeValue::S(below.into()));
        }
        let query = query.index_name("by-day").scan_index_forward(false);
        let page: Page<Key> = query_page(query, &["pk", "chat", "activity"], limit, None).await?;
        Ok((page.items.into_iter().map(|key| key.activity).collect(), page.next.is_none()))
    }

    async fn chats(&self, jids: Vec<&str>) -> Result<Vec<Chat>, StoreError> {
        let keys = jids.into_iter().map(|jid| key(self.tenant, self.device, jid)).collect();
        batch_get(self.db, Table::Chats, keys).await
    }
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

fn key(tenant: TenantId, device: DeviceId, chat: impl ToString) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(keys::device_partition(tenant, device))),
        ("chat".into(), AttributeValue::S(chat.to_string())),
    ])
}
