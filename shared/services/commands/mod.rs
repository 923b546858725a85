//! Commands: what a use case asks of a live socket, by queue and row.

mod ask;
mod get;

pub(super) use ask::ask;
pub use ask::{Answer, PATIENCE};
pub use get::get;
