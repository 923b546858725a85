//! What is encrypted at rest: which attributes of which tables, and how.
//!
//! Each is sealed by itself with AES-256-GCM under the key of its tenant, and bound to its table, row and name, so
//! that nobody who can write the tables can move one to another place. It is stored as `{"sealed": bytes}`. What an
//! earlier version wrote in clear is still read.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Serialize, de::DeserializeOwned};

use super::{Db, StoreError, Table};
use crate::crypto::OpenError;

/// A row, or its key, as DynamoDB has it.
type Item = HashMap<String, AttributeValue>;

/// The name under which a sealed attribute has its bytes.
const SEALED: &str = "sealed";

/// What of a table is sealed. Its partition key begins with the tenant.
struct Layout {
    partition: &'static str,
    sort: &'static str,
    attributes: &'static [&'static str],
}

/// `None` when nothing is. What rows are looked up, sorted or filtered by stays in clear.
fn layout(table: Table) -> Option<Layout> {
    let (partition, sort, attributes): (_, _, &[&str]) = match table {
        Table::Messages => ("pk", "sk", &["text", "unsupported", "fromName"]),
        Table::Chats => ("pk", "chat", &["name", "lastMessagePreview"]),
        Table::Events => ("pk", "sk", &["events"]),
        Table::Deliveries => ("pk", "sk", &["responseBody"]),
        Table::Devices => ("accountId", "id", &["qr"]),
        Table::Commands => ("accountId", "id", &["result"]),
        Table::SetAside => ("pk", "sk", &["kept"]),
        _ => return None,
    };
    Some(Layout { partition, sort, attributes })
}

impl Db {
    /// A row as it is stored. What has no value is left out, so that conditions and `if_not_exists` see it as
    /// missing.
    pub(super) fn to_item(&self, table: Table, row: impl Serialize) -> Result<Item, StoreError> {
        let mut item: Item = serde_dynamo::to_item(row)?;
        item.retain(|_, value| !value.is_null());
        let Some(layout) = layout(table) else { return Ok(item) };
        for name in layout.attributes {
            if let Some(plain) = item.remove(*name) {
                let sealed = self.seal(table, &layout, &item, name, plain)?;
                item.insert((*name).to_owned(), sealed);
            }
        }
        Ok(item)
    }

    /// A row from how it is stored.
    pub(super) fn read_item<T: DeserializeOwned>(
        &self,
        table: Table,
        mut item: Item,
    ) -> Result<T, StoreError> {
        if let Some(layout) = layout(table) {
            for name in layout.attributes {
                if let Some(plain) = self.open(table, &layout, &item, name)? {
                    item.insert((*name).to_owned(), plain);
                }
            }
        }
        Ok(serde_dynamo::from_item(item)?)
    }

    /// The value of one attribute of the row with this key, as it is stored.
    pub(super) fn to_value(
        &self,
        table: Table,
        key: &Item,
        name: &str,
        value: impl Serialize,
    ) -> Result<AttributeValue, StoreError> {
        let plain: AttributeValue = serde_dynamo::to_attribute_value(value)?;
        match layout(table).filter(|layout| layout.attributes.contains(&name) && !plain.is_null()) {
            Some(layout) => self.seal(table, &layout, key, name, plain),
            None => Ok(plain),
        }
    }

    fn seal(
        &self,
        table: Table,
        layout: &Layout,
        key: &Item,
        name: &str,
        plain: AttributeValue,
    ) -> Result<AttributeValue, StoreError> {
        let (tenant, place) = place(table, layout, key, name).ok_or(OpenError)?;
        let sealed = self.sealers().of(tenant).seal(place.as_bytes(), &encode(plain)?);
        Ok(AttributeValue::M(HashMap::from([(SEALED.to_owned(), AttributeValue::B(Blob::new(sealed)))])))
    }

    /// The attribute in clear; `None` when it is not sealed.
    fn open(
        &self,
        table: Table,
        layout: &Layout,
        item: &Item,
        name: &str,
    ) -> Result<Option<AttributeValue>, StoreError> {
        let Some(AttributeValue::M(value)) = item.get(name) else { return Ok(None) };
        let Some(AttributeValue::B(sealed)) = value.get(SEALED) else { return Ok(None) };
        let (tenant, place) = place(table, layout, item, name).ok_or(OpenError)?;
        let plain = self.sealers().of(tenant).open(place.as_bytes(), sealed.as_ref())?;
        decode(&plain).map(Some)
    }
}

/// Whose attribute it is, and what it is bound to.
fn place<'a>(table: Table, layout: &Layout, key: &'a Item, name: &str) -> Option<(&'a str, String)> {
    let (partition, sort) = (key.get(layout.partition)?.as_s().ok()?, key.get(layout.sort)?.as_s().ok()?);
    let tenant = partition.split('#').next()?;
    Some((tenant, format!("{}\n{partition}\n{sort}\n{name}", table.name())))
}

/// Text and bytes as they are, anything else as JSON, behind a letter that says which.
fn encode(value: AttributeValue) -> Result<Vec<u8>, StoreError> {
    let (kind, bytes) = match value {
        AttributeValue::S(text) => (b's', text.into_bytes()),
        AttributeValue::B(bytes) => (b'b', bytes.into_inner()),
        other => {
            let json: serde_json::Value = serde_dynamo::from_attribute_value(other)?;
            (b'j', json.to_string().into_bytes())
        }
    };
    Ok([&[kind], bytes.as_slice()].concat())
}

fn decode(plain: &[u8]) -> Result<AttributeValue, StoreError> {
    let value = match plain.split_first() {
        Some((b's', text)) => AttributeValue::S(String::from_utf8(text.to_vec()).map_err(|_| OpenError)?),
        Some((b'b', bytes)) => AttributeValue::B(Blob::new(bytes)),
        Some((b'j', json)) => {
            let json: serde_json::Value = serde_json::from_slice(json).map_err(|_| OpenError)?;
            serde_dynamo::to_attribute_value(json)?
        }
        _ => return Err(OpenError.into()),
    };
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use serde::Deserialize;

    use super::*;
    use crate::{
        config::{AwsConfig, Config},
        crypto::MasterKey,
    };

    fn db() -> Db {
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let sdk = sdk.region(Region::from_static("us-east-1")).build();
        Db::new(&sdk, &Config::with(AwsConfig::default(), MasterKey::generate()).unwrap())
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Row {
        pk: String,
        sk: String,
        text: Option<serde_json::Value>,
        status: String,
    }

    fn row(pk: &str, text: &str) -> Row {
        let text = Some(serde_json::json!({"body": text}));
        Row { pk: pk.into(), sk: "3EB0".into(), text, status: "sent".into() }
    }

    #[test]
    fn a_sealed_attribute_is_not_in_the_row_in_clear_and_reads_back() {
        let (db, row) = (db(), row("acc_1#dev_1", "Halo, apa kabar?"));
        let item = db.to_item(Table::Messages, &row).unwrap();
        assert!(!format!("{item:?}").contains("Halo"), "{item:?}");
        assert_eq!(item["status"].as_s().unwrap(), "sent");
        assert_eq!(db.read_item::<Row>(Table::Messages, item).unwrap(), row);
    }

    #[test]
    fn a_sealed_attribute_opens_in_its_own_row_only() {
        let db = db();
        let one = db.to_item(Table::Messages, row("acc_1#dev_1", "one")).unwrap();
        for other in ["acc_1#dev_2", "acc_2#dev_1"] {
            let mut swapped = db.to_item(Table::Messages, row(other, "two")).unwrap();
            swapped.insert("text".into(), one["text"].clone());
            assert!(db.read_item::<Row>(Table::Messages, swapped).is_err(), "{other}");
        }
    }

    #[test]
    fn what_was_written_in_clear_before_is_read() {
        let row = row("acc_1#dev_1", "older");
        let item: Item = serde_dynamo::to_item(&row).unwrap();
        assert_eq!(db().read_item::<Row>(Table::Messages, item).unwrap(), row);
    }

    /// What sealing costs a message, for docs/adr/0020: `cargo test --release sealing_costs -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    fn sealing_costs() {
        const TIMES: u32 = 20_000;
        let (db, row) = (db(), row("acc_1#dev_1", &"x".repeat(200)));
        let plain: Item = serde_dynamo::to_item(&row).unwrap();
        let sealed = db.to_item(Table::Messages, &row).unwrap();
        let took = |what: &str, work: &dyn Fn()| {
            let began = Instant::now();
            (0..TIMES).for_each(|_| work());
            println!("{what}: {} ns", began.elapsed().as_nanos() / u128::from(TIMES));
        };
        took("a row to its item, in clear", &|| drop(serde_dynamo::to_item::<_, Item>(&row).unwrap()));
        took("a row to its item, sealed", &|| drop(db.to_item(Table::Messages, &row).unwrap()));
        took("an item to its row, in clear", &|| {
            drop(serde_dynamo::from_item::<_, Row>(plain.clone()).unwrap())
        });
        took("an item to its row, sealed", &|| {
            drop(db.read_item::<Row>(Table::Messages, sealed.clone()).unwrap());
        });
        let sealer = db.sealers().of("acc_1");
        let text = sealer.seal(b"row", &[b'x'; 200]);
        took("the key of a tenant", &|| drop(db.sealers().of("acc_1")));
        took("sealing 200 bytes", &|| drop(sealer.seal(b"row", &[b'x'; 200])));
        took("opening 200 bytes", &|| drop(sealer.open(b"row", &text).unwrap()));
    }
}
