//! `/v1/admin/tenants`: everybody's tenants.

pub(in super::super) mod change;
pub(in super::super) mod create;
pub(in super::super) mod delete;
pub(in super::super) mod erasure;
pub(in super::super) mod get;
pub(in super::super) mod list;
