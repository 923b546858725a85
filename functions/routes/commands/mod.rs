//! `/v1/commands`: what was asked of a live socket.

mod answered;
pub(super) mod get;

pub(super) use answered::{Answered, PendingBody};
