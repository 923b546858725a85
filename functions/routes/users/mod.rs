//! `/v1/users`: everybody's accounts, for administrators.

pub(super) mod change;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod erasure;
pub(super) mod get;
pub(super) mod list;
