//! `/v1/admin`: across tenants, for the platform's administrators.

pub(super) mod tenants;
