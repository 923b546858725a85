//! One file per use case. Every HTTP surface, and the connector for what it records, calls these; they call
//! `store` and `queue`.

pub mod accounts;
mod allowance;
pub mod api_keys;
pub mod audit;
mod authenticate;
mod charges;
pub mod commands;
mod context;
pub mod deployment;
pub mod devices;
mod error;
mod error_code;
pub mod events;
mod health;
pub mod members;
pub mod messages;
mod paging;
pub mod retention;
mod scope;
pub mod set_aside;
mod shards;
pub mod tenants;
pub mod usage;
pub mod webhooks;
pub mod workers;

pub use crate::domain::validation::{FieldError, Invalid};
pub use allowance::Allowance;
pub use authenticate::{Caller, Credentials, Pass, authenticate};
pub use charges::Charges;
pub use context::Context;
pub use error::{Error, Limit};
pub use error_code::ErrorCode;
pub use health::{Health, HealthStatus, Operations, health, operations};
pub use paging::{Listing, PageRequest};
pub use scope::Scope;
pub use shards::{LostShards, check_shards};
