//! DynamoDB: one file per aggregate. Every method on tenant data takes the tenant id; a missing row and
//! another tenant's row look the same.

pub mod accounts;
pub mod aliases;
pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod chats;
pub mod commands;
pub mod contacts;
pub mod counters;
mod db;
pub mod dead_letters;
pub mod deliveries;
pub mod devices;
pub mod events;
pub mod key_check;
pub mod keys;
pub mod lanes;
pub mod leases;
pub mod messages;
pub mod outbox;
mod page;
mod probe;
pub mod receipts;
pub mod refresh_tokens;
pub mod replays;
pub mod retention;
mod sealed;
pub mod session_keys;
pub mod set_aside;
mod step;
pub mod tables;
pub mod tenants;
mod transact;
mod unreadable;
mod update;
pub mod webhooks;
pub mod workers;

pub use db::{Db, StoreError, Table};
pub use page::{MOST_BYTES, Page};
pub use probe::probe;
