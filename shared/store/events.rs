//! The event log, by tenant: a row holds the events that came through the queue together. Rows are numbered
//! without gaps, so that whoever has read one knows which comes next.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, query::builders::QueryFluentBuilder},
    types::{AttributeValue, ReturnConsumedCapacity},
};
use serde::{Deserialize, Serialize};

use super::{
    Db, StoreError, Table, keys,
    page::{bytes_of, delete_all},
    unreadable::readable,
};
use crate::{
    clock::Timestamp,
    domain::{
        event::{Event, NewEvent},
        ids::{BlockId, EventId, TenantId},
    },
};

/// A row of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventRow {
    pk: TenantId,
    #[serde(rename = "sk", with = "sequence")]
    /// Its number.
    pub sequence: u64,
    /// When it was written, in unix milliseconds; never before the row before it.
    pub at: i64,
    /// What came through the queue.
    pub block: BlockId,
    /// When it is dropped, in unix seconds.
    pub ttl: i64,
    /// The events, in their order; nothing in the place of one that was erased, so that the others keep their ids.
    #[serde(with = "text")]
    events: Vec<Option<NewEvent>>,
}

impl EventRow {
    /// A row of a tenant's log.
    pub fn new(
        tenant: TenantId,
        (sequence, at): (u64, i64),
        block: BlockId,
        until: Timestamp,
        events: Vec<NewEvent>,
    ) -> Self {
        let events = events.into_iter().map(Some).collect();
        Self { pk: tenant, sequence, at, block, ttl: until.unix_seconds(), events }
    }

    /// What stands for a row that cannot be read, so that its readers get past it.
    fn without_events(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok();
        let (pk, sequence) = (text("pk")?.parse().ok()?, text("sk")?.parse().ok()?);
        let block = BlockId::derived([0; 32]);
        Some(Self { pk, sequence, at: 0, block, ttl: i64::MAX, events: Vec::new() })
    }

    /// Its events under their ids.
    pub fn into_events(self) -> Vec<Event> {
        let Self { at, sequence, events, .. } = self;
        let id = |index| EventId::at(at, sequence, u16::try_from(index).unwrap_or(u16::MAX));
        events
            .into_iter()
            .enumerate()
            .filter_map(|(index, event)| Some(event?.logged_as(id(index))))
            .collect()
    }

    /// Its events as they came.
    pub fn events(&self) -> impl Iterator<Item = &NewEvent> {
        self.events.iter().flatten()
    }

    /// Erases some of them. Says whether there were any.
    pub fn erase(&mut self, which: impl Fn(&NewEvent) -> bool) -> bool {
        let erased = self.events.iter_mut().filter(|event| event.as_ref().is_some_and(&which));
        erased.map(|event| *event = None).count() > 0
    }
}

/// What came of writing a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is the log's last row now.
    Done,
    /// Another row has its number.
    Taken,
}

/// Writes a row, unless there is one with its number.
pub async fn append(db: &Db, row: &EventRow) -> Result<Appended, StoreError> {
    let result = db
        .client()
        .put_item()
        .table_name(db.table(Table::Events))
        .set_item(Some(db.to_item(Table::Events, row)?))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await;
    match result {
        Ok(_) => Ok(Appended::Done),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Appended::Taken),
            _ => Err(error.into()),
        },
    }
}

/// Writes a row anew that lost some of its events, unless it has been dropped meanwhile.
pub async fn replace(db: &Db, row: &EventRow) -> Result<(), StoreError> {
    let put = db.client().put_item().table_name(db.table(Table::Events));
    let put =
        put.set_item(Some(db.to_item(Table::Events, row)?)).condition_expression("attribute_exists(pk)");
    match put.send().await {
        Err(error)
            if !error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
        {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// Some rows of a log.
#[derive(Debug, Clone, Default)]
pub struct EventRows {
    /// In the order that was asked for.
    pub rows: Vec<EventRow>,
    /// Whether there may be more.
    pub more: bool,
    /// How many bytes were read for them, about.
    pub bytes: usize,
}

/// The rows that come after a number, the next one first; 0 is before all.
pub async fn after(db: &Db, tenant: TenantId, number: u64, limit: u16) -> Result<EventRows, StoreError> {
    read(db, of(db, tenant, "sk > :sk", number), limit).await
}

/// The rows up to a number, that one included, the last one first.
pub async fn up_to(db: &Db, tenant: TenantId, number: u64, limit: u16) -> Result<EventRows, StoreError> {
    read(db, of(db, tenant, "sk <= :sk", number).scan_index_forward(false), limit).await
}

/// The number of a log's last row; 0 when it has none.
pub async fn last(db: &Db, tenant: TenantId) -> Result<u64, StoreError> {
    let query = of(db, tenant, "sk <= :sk", u64::MAX).scan_index_forward(false);
    let answer = query.projection_expression("sk").limit(1).send().await?;
    let last = answer.items.unwrap_or_default().pop();
    let number = last.and_then(|row| row.get("sk")?.as_s().ok()?.parse().ok());
    Ok(number.unwrap_or_default())
}

/// Deletes a tenant's log.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    let query = of(db, tenant, "sk <= :sk", u64::MAX).projection_expression("pk, sk");
    delete_all(db, Table::Events, query).await
}

fn of(db: &Db, tenant: TenantId, rows: &str, number: u64) -> QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Events))
        .key_condition_expression(format!("pk = :pk AND {rows}"))
        .expression_attribute_values(":pk", AttributeValue::S(tenant.to_string()))
        .expression_attribute_values(":sk", AttributeValue::S(keys::event_sequence(number)))
        .consistent_read(true)
}

async fn read(db: &Db, query: QueryFluentBuilder, limit: u16) -> Result<EventRows, StoreError> {
    let query = query.return_consumed_capacity(ReturnConsumedCapacity::Total);
    let answer = query.limit(i32::from(limit)).send().await?;
    let bytes = bytes_of(answer.consumed_capacity(), true);
    let more = answer.last_evaluated_key.is_some();
    let rows = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
        let without_events = EventRow::without_events(&item);
        readable(db, Table::Events, item).or(without_events)
    });
    Ok(EventRows { rows: rows.collect(), more, bytes })
}

/// A number as text that sorts like it.
mod sequence {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::store::keys;

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&keys::event_sequence(*number))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Events as one text, before it is sealed: half the size that DynamoDB's own types take. One that would cost more than a write unit
/// is deflated (RFC 1951), as events of one row say much the same.
mod text {
    use std::{
        fmt,
        io::{Read, Write},
    };

    use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
    use serde::{
        Deserializer, Serializer,
        de::{Error, Visitor},
        ser::Error as _,
    };

    use crate::domain::event::NewEvent;

    /// From this size on, in bytes: a write unit is 1 KB, and the rest of the row takes some of it.
    const DEFLATED_FROM: usize = 800;

    pub(super) fn serialize<S: Serializer>(
        events: &[Option<NewEvent>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(events).map_err(S::Error::custom)?;
        if text.len() < DEFLATED_FROM {
            return serializer.serialize_str(&text);
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).map_err(S::Error::custom)?;
        serializer.serialize_bytes(&encoder.finish().map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Option<NewEvent>>, D::Error> {
        deserializer.deserialize_any(Text)
    }

    struct Text;

    impl Visitor<'_> for Text {
        type Value = Vec<Option<NewEvent>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("events as JSON, deflated or not")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            serde_json::from_str(text).map_err(E::custom)
        }

        fn visit_bytes<E: Error>(self, deflated: &[u8]) -> Result<Self::Value, E> {
            let mut text = String::new();
            DeflateDecoder::new(deflated).read_to_string(&mut text).map_err(E::custom)?;
            self.visit_str(&text)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::domain::{event::EventType, ids::DeviceId};

    fn row(count: usize) -> EventRow {
        let at = Timestamp::from_unix_millis(1_700_000_000_000);
        let event = |n| {
            let data =
                json!({"id": format!("msg_{n}"), "status": "sent", "text": {"body": "Halo, apa kabar?"}});
            NewEvent::new(EventType::MessageSent, at, DeviceId::derived([1; 32]), data)
        };
        let block = BlockId::generate(at);
        EventRow::new(TenantId::derived([1; 32]), (7, 8), block, at, (0..count).map(event).collect())
    }

    #[test]
    fn events_are_read_as_they_were_written_few_as_text_and_many_deflated() {
        for count in [1, 8, 50] {
            let row = row(count);
            let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(&row).unwrap();
            let written = &item["events"];
            assert_eq!(written.is_s(), count == 1, "{count}: {written:?}");
            let read: EventRow = serde_dynamo::from_item(item).unwrap();
            assert_eq!(read.sequence, row.sequence);
            let data = |row: &EventRow| row.events().map(|event| event.data.clone()).collect::<Vec<_>>();
            assert_eq!(data(&read), data(&row));
        }
    }

    #[test]
    fn those_beside_an_erased_event_keep_their_ids() {
        let mut row = row(5);
        let ids =
            |row: &EventRow| row.clone().into_events().into_iter().map(|event| event.id).collect::<Vec<_>>();
        let before = ids(&row);
        assert!(row.erase(|event| event.data["id"] == "msg_1"));
        assert!(!row.erase(|event| event.data["id"] == "msg_1"));
        let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(&row).unwrap();
        let read: EventRow = serde_dynamo::from_item(item).unwrap();
        assert_eq!(ids(&read), [before[0], before[2], before[3], before[4]]);
    }

    #[test]
    fn fifty_events_fit_two_write_units() {
        let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(row(50)).unwrap();
        let bytes = item["events"].as_b().unwrap().as_ref().len();
        assert!(bytes < 2048, "{bytes}");
    }
}
