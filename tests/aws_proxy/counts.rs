//! What went through: requests by operation, and DynamoDB's units by table and index.

use std::{
    collections::BTreeMap,
    ops::{Add, AddAssign},
};

use axum::{body::Bytes, http::StatusCode};
use serde_json::{Value, json};

/// What went through.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Requests by service, operation and queue (of SQS).
    pub requests: BTreeMap<(String, String, String), u64>,
    /// Requests that were made to fail, by operation.
    pub failures: BTreeMap<String, u64>,
    /// Units by table and index; the table itself has an empty one.
    pub units: BTreeMap<(String, String), Units>,
}

/// Capacity units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Units {
    pub write: f64,
    pub read: f64,
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Add for Units {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { write: self.write + other.write, read: self.read + other.read }
    }
}

const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];
const READS: [&str; 5] = ["GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"];

/// The same request, asking what it consumes; `None` when the operation cannot say.
pub(super) fn asking_for_units(operation: &str, body: &[u8]) -> Option<Bytes> {
    if !WRITES.contains(&operation) && !READS.contains(&operation) {
        return None;
    }
    let mut request: Value = serde_json::from_slice(body).ok()?;
    request["ReturnConsumedCapacity"] = json!("INDEXES");
    Some(request.to_string().into())
}

impl Counts {
    pub(super) fn request(&mut self, service: &str, operation: &str, queue: &str) {
        let key = (service.to_owned(), operation.to_owned(), queue.to_owned());
        *self.requests.entry(key).or_default() += 1;
    }

    pub(super) fn failed(&mut self, operation: &str) {
        *self.failures.entry(operation.to_owned()).or_default() += 1;
    }

    pub(super) fn units(&mut self, operation: &str, request: &[u8], status: StatusCode, answer: &[u8]) {
        let is_write = WRITES.contains(&operation);
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        if !status.is_success() {
            // A write whose condition did not hold costs what it would have cost, of which the answer says
            // nothing: one unit an item, for items up to 1 KB.
            if is_write {
                self.refused(request, &answer);
            }
            return;
        }
        let consumed = &answer["ConsumedCapacity"];
        let each = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
        for of_table in each.iter().filter(|of_table| of_table.is_object()) {
            let table = of_table["TableName"].as_str().unwrap_or_default();
            let table = table.rsplit('/').next().unwrap_or_default();
            self.add(table, "", of_table["Table"]["CapacityUnits"].as_f64(), is_write);
            for kind in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
                for (index, of_index) in of_table[kind].as_object().into_iter().flatten() {
                    self.add(table, index, of_index["CapacityUnits"].as_f64(), is_write);
                }
            }
        }
    }

    fn refused(&mut self, request: &[u8], answer: &Value) {
        let kind = answer["__type"].as_str().unwrap_or_default();
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        if kind.ends_with("ConditionalCheckFailedException") {
            self.add(request["TableName"].as_str().unwrap_or_default(), "", Some(1.0), true);
        } else if kind.ends_with("TransactionCanceledException") {
            for item in request["TransactItems"].as_array().into_iter().flatten() {
                let table =
                    item.as_object().into_iter().flatten().find_map(|(_, of)| of["TableName"].as_str());
                self.add(table.unwrap_or_default(), "", Some(2.0), true);
            }
        }
    }

    fn add(&mut self, table: &str, index: &str, units: Option<f64>, is_write: bool) {
        let Some(units) = units.filter(|units| *units > 0.0) else { return };
        let units =
            if is_write { Units { write: units, read: 0.0 } } else { Units { write: 0.0, read: units } };
        *self.units.entry((table.to_owned(), index.to_owned())).or_default() += units;
    }

    /// All units together.
    pub fn total(&self) -> Units {
        self.units.values().fold(Units::default(), |sum, units| sum + *units)
    }

    /// How often a service was asked for something, about queues whose name holds a text.
    pub fn asked(&self, service: &str, operation: &str, queue: &str) -> u64 {
        let of =
            self.requests.iter().filter(|((s, o, q), _)| s == service && o == operation && q.contains(queue));
        of.map(|(_, count)| count).sum()
    }
}
