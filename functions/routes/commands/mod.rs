//! `/v1/commands`: what was asked of a live socket.

pub(super) mod get;
