//! `/v1/workers`: the connectors that run, for administrators.

pub(super) mod drain;
pub(super) mod list;
