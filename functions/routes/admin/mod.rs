//! `/v1/admin`: across tenants, for the platform's administrators.

pub(super) mod devices;
pub(super) mod tenants;
