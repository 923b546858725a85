//! Everything that stands in for the cloud on one machine: the gateway in API Gateway's place, embedded
//! DynamoDB and SQS, and, in sandbox builds, a WhatsApp server with phones.

mod aws;
mod banner;
pub mod child;
mod connectors;
mod data_dir;
mod data_file;
mod deliveries;
mod foundation;
mod gateway;
mod open_files;
mod options;
mod server;
mod start_error;
mod threads;
mod visitors;
#[cfg(feature = "sandbox")]
pub mod whatsapp;

pub use gateway::Gateway;
pub use options::{Mode, Options};
pub use start_error::StartError;
pub use threads::runtime;
