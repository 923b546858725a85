//! `/v1/devices/{id}/messages`

pub(super) mod cancel;
pub(super) mod get;
pub(super) mod send;
