//! `/v1/devices/{id}/queue`

pub(super) mod clear;
pub(super) mod get;
