//! Everything that stands in for the cloud on one machine: the gateway in API Gateway's place, embedded
//! DynamoDB and SQS, and, in sandbox builds, a WhatsApp server with phones.

mod aws;
mod banner;
pub mod child;
mod connectors;
mod data_dir;
mod deliveries;
mod durable_queues;
mod gateway;
mod options;
#[cfg(feature = "sandbox")]
pub mod whatsapp;

pub use gateway::{Gateway, StartError};
pub use options::{Mode, Options};
