//! Events: sent through the queue by whoever makes them (`emit`), written to the log by one consumer (`append`,
//! run by `consume`), read as a list (`history`) or as they come (`follow`).

mod append;
mod consume;
mod emit;
mod erase;
mod filter;
mod follow;
mod history;
mod of_device;
mod of_message;
mod receive;
mod tails;

pub use append::EventLog;
pub use consume::consume;
pub use emit::Emitter;
pub(in crate::services) use erase::erase_device;
pub use filter::EventFilter;
pub use follow::{Batch, Follow, follow};
pub use history::history;
pub use of_device::{connection_closed, connection_opened, qr_generated, status_changed};
pub use of_message::{of_delivery, of_repeated, of_steps};
pub use receive::receive;
pub use tails::Tails;
