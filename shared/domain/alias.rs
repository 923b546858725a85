//! Foreign names of devices: what an older gateway's clients call them.

use serde::{Deserialize, Serialize};

use super::ids::TenantId;

/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 200;

/// The most names that a device has.
pub const MAX_ALIASES: usize = 20;

/// A foreign name of a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alias {
    /// Whose names these are, such as a gateway's: each has its own.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Where no other device has it.
    pub unique_in: UniqueIn,
}

/// Where a name is one device's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UniqueIn {
    /// In this tenant.
    Tenant(TenantId),
    /// In the whole deployment, for clients that name no tenant.
    Deployment,
}
