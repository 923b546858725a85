//! Rows that cannot be read: written by a newer version in a form that even its tolerant readers do not know, or
//! damaged. They are passed over, so that one of them keeps nobody from the others.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    sync::{Mutex, PoisonError},
};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

use super::{Db, StoreError, Table};

/// How many rows are remembered as told of. Beyond that they are told of again.
const MAX_REMEMBERED: usize = 10_000;

/// Which rows this process has told of.
static TOLD: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// The attributes that tables have as keys. None of them holds what people wrote.
const KEYS: [&str; 5] = ["pk", "accountId", "sk", "id", "chat"];

/// A row, unless it cannot be read: then it is told of once, with how many there are.
pub(super) fn readable<T: DeserializeOwned>(
    db: &Db,
    table: Table,
    item: HashMap<String, AttributeValue>,
) -> Option<T> {
    let keys = KEYS.iter().filter_map(|name| item.get(*name)?.as_s().ok().cloned()).collect::<Vec<_>>();
    db.read_item(table, item).map_err(|error| tell(table, &keys.join(" "), &error)).ok()
}

fn tell(table: Table, row: &str, error: &StoreError) {
    let count = {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        let told = told.get_or_insert_default();
        if told.len() >= MAX_REMEMBERED {
            told.clear();
        }
        if !told.insert(format!("{} {row}", table.name())) {
            return;
        }
        told.len()
    };
    let error = error as &dyn Error;
    tracing::error!(
        table = table.name(),
        row,
        count,
        error,
        "a stored row cannot be read and is passed over"
    );
}
