//! Holds the WhatsApp sockets: drains the send queues, stores what arrives.
//!
//! A connector owns shards ([`ownership`]); for each it runs a [`shard`]: the receive loops of its two
//! queues and an actor for each device ([`session`]) with a lane for what it sends ([`outbound`]) and an
//! inbox for what it receives ([`inbound`]).

mod commands;
mod connector;
mod forget;
pub mod health;
mod inbound;
mod outbound;
pub mod ownership;
mod retry;
mod session;
mod session_count;
pub mod session_store;
mod shard;
#[cfg(test)]
mod testing;
pub mod whatsapp;
mod worker;

pub use connector::{Connector, StartError};
pub use forget::{Chosen, ForgetError, Forgotten, forget_sessions};
