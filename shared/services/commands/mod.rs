//! Commands: what a use case asks of a live socket, by queue and row.

mod ask;
mod get;

pub use ask::Answer;
pub(super) use ask::ask;
pub use get::get;
