//! `/v1/dead-letters`: messages that failed for good.

pub(super) mod get;
pub(super) mod list;
pub(super) mod redrive;
