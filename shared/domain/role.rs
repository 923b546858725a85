//! Roles of accounts and API keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account is trusted with. The order is from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Views only.
    Readonly,
    /// The tenant's devices: link, send, history, contacts.
    User,
    /// Also makes devices and webhooks, sends to many, and has groups.
    Operator,
    /// Everything in its tenant.
    Owner,
    /// The platform's: everything, in every tenant.
    Admin,
}

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 5] = [Self::Readonly, Self::User, Self::Operator, Self::Owner, Self::Admin];
}
