//! Chats, by device and number. The index `by-day` has them by the day of their newest message, so that only the first
//! message of a day is written to it, too; [`pages`] makes the order in which they are shown.

mod pages;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{query::builders::QueryFluentBuilder, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use serde::Deserialize;

use super::{
    Db, Page, StoreError, Table, keys,
    page::{batch_get, delete_all, query_page},
    update::Update,
};
use crate::{
    cursor::LastKey,
    domain::{chat::Chat, device::Link, jid::Jid, retention::Retention},
};

/// Shows a message as its chat's newest, unless a newer one is shown. What the chat knows and `chat` does
/// not (name, LID) stays. It is kept from then on for as long as `retention` says. When another chat has taken its
/// place, that one shows the message.
pub async fn touch(db: &Db, link: Link, chat: &Chat, retention: Retention) -> Result<(), StoreError> {
    if let Some(leads_to) = touch_row(db, link, chat, retention).await? {
        let lid = chat.lid.clone().or_else(|| Some(chat.jid.clone()));
        touch_row(db, link, &Chat { jid: leads_to, lid, ..chat.clone() }, retention).await?;
    }
    Ok(())
}

/// The same, for its own row. Says which other chat has taken its place, if one has.
async fn touch_row(
    db: &Db,
    link: Link,
    chat: &Chat,
    retention: Retention,
) -> Result<Option<Jid>, StoreError> {
    let key = key(link, &chat.jid);
    let sealed = |name, text: &String| db.to_value(Table::Chats, &key, name, text);
    let preview = sealed("lastMessagePreview", &chat.last_message_preview)?;
    let name = chat.name.as_ref().map(|name| sealed("name", name)).transpose()?;
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Chats))
        .set_key(Some(key.clone()))
        .condition_expression(
            "attribute_not_exists(leadsTo) AND (attribute_not_exists(lastMessageAt) OR lastMessageAt <= :at)",
        )
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .expression_attribute_values(":at", serde_dynamo::to_attribute_value(chat.last_message_at)?);
    let update = Update::default();
    let update = match name {
        Some(name) => update.set_value("name", name),
        None => update,
    };
    let update = update
        .set_some("lid", chat.lid.as_ref())?
        .set("lastMessageAt", chat.last_message_at)?
        .set("lastMessageId", chat.last_message_id)?
        .set_value("lastMessagePreview", preview)
        .set("activity", keys::activity(chat.last_message_at, &chat.jid))?;
    let update = match retention.until(chat.last_message_at) {
        Some(until) => update.set("ttl", until.unix_seconds())?,
        None => update.remove("ttl"),
    };
    let error = match update.apply(request).send().await {
        Ok(_) => return Ok(None),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            let leads_to = refused.item().and_then(|item| item.get("leadsTo")).cloned();
            Ok(leads_to.map(serde_dynamo::from_attribute_value).transpose()?)
        }
        _ => Err(error.into()),
    }
}

/// Names a chat, if it is there.
pub async fn set_name(db: &Db, link: Link, chat: &Jid, name: &str) -> Result<(), StoreError> {
    let key = key(link, chat);
    let name = db.to_value(Table::Chats, &key, "name", name)?;
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Chats))
        .set_key(Some(key))
        .condition_expression("attribute_exists(lastMessageAt)");
    match Update::default().set_value("name", name).apply(request).send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Has a chat take the place of another one, which is listed no more. What the other one showed, if it was ever
/// listed.
pub async fn lead(db: &Db, link: Link, from: &Jid, to: &Jid) -> Result<Option<Chat>, StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Chats))
        .set_key(Some(key(link, from)))
        .return_values(ReturnValue::AllOld);
    let answer = Update::default().set("leadsTo", to)?.remove("activity").apply(request).send().await?;
    let shown = answer.attributes.filter(|row| row.contains_key("lastMessageAt"));
    shown.map(|row| db.read_item(Table::Chats, row)).transpose()
}

/// The chats of a link, the one with the newest message first.
pub async fn list(db: &Db, link: Link, limit: u16, from: Option<LastKey>) -> Result<Page<Chat>, StoreError> {
    pages::page(&OfLink { db, link }, limit, from).await
}

/// Removes every chat of a link.
pub async fn delete_of_link(db: &Db, link: Link) -> Result<(), StoreError> {
    delete_all(db, Table::Chats, of_link(db, link).consistent_read(true).projection_expression("pk, chat"))
        .await
}

/// A chat as it is stored.
#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    chat: Chat,
    /// The chat that has taken its place.
    #[serde(rename = "leadsTo")]
    leads_to: Option<Jid>,
}

/// The chats of one link, as [`pages`] asks for them.
struct OfLink<'a> {
    db: &'a Db,
    link: Link,
}

impl pages::Source for OfLink<'_> {
    async fn places(&self, below: Option<&str>, limit: u16) -> Result<(Vec<String>, bool), StoreError> {
        #[derive(Deserialize)]
        struct Key {
            activity: String,
        }
        let mut query = of_link(self.db, self.link);
        if let Some(below) = below {
            query = query
                .key_condition_expression("pk = :pk AND activity < :below")
                .expression_attribute_values(":below", AttributeValue::S(below.into()));
        }
        let query = query.index_name("by-day").scan_index_forward(false);
        let page: Page<Key> = query_page(self.db, query, &["pk", "chat", "activity"], limit, None).await?;
        Ok((page.items.into_iter().map(|key| key.activity).collect(), page.next.is_none()))
    }

    async fn chats(&self, jids: Vec<&str>) -> Result<Vec<Chat>, StoreError> {
        let keys = jids.into_iter().map(|jid| key(self.link, jid)).collect();
        let rows: Vec<Row> = batch_get(self.db, Table::Chats, keys).await?;
        // The index may be behind: what another chat has taken the place of is not listed.
        Ok(rows.into_iter().filter(|row| row.leads_to.is_none()).map(|row| row.chat).collect())
    }
}

fn of_link(db: &Db, link: Link) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Chats))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(keys::link_partition(link)))
}

fn key(link: Link, chat: impl ToString) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(keys::link_partition(link))),
        ("chat".into(), AttributeValue::S(chat.to_string())),
    ])
}
