//! `/v1/me`: the caller's own account.

pub(super) mod change;
pub(super) mod get;
pub(super) mod password;
