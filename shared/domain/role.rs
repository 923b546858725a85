//! Roles of accounts and API keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account is trusted with. The order is from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Views only.
    Readonly,
    /// Own devices: connect, send, history, contacts.
    User,
    /// Also bulk work and groups.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 4] = [Self::Readonly, Self::User, Self::Operator, Self::Admin];
}
