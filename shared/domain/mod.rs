//! Pure types and rules. No AWS, no HTTP, no clock.

pub mod account;
pub mod actor;
pub mod alias;
pub mod api_key;
pub mod audit;
pub mod chat;
pub mod command;
pub mod device;
pub mod event;
pub mod ids;
pub mod jid;
pub mod lane;
pub mod message;
pub mod pacing;
pub mod permissions;
pub mod phone;
pub mod plan;
pub mod receipts;
pub mod retention;
pub mod role;
mod schema;
pub mod set_aside;
pub mod tenant;
pub mod webhook;
pub mod worker;
