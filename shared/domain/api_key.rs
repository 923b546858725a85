//! API keys: credentials for programs.

use serde::{Deserialize, Serialize};

use super::{
    ids::{AccountId, ApiKeyId},
    role::Role,
};
use crate::clock::Timestamp;

/// What an API key starts with.
pub const PREFIX: &str = "kur_";

/// An API key, without its secret: only a hash of that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its id, for listing and revoking.
    pub id: ApiKeyId,
    /// The account that it acts for.
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// The first characters, to recognise it by.
    pub prefix: String,
    /// What it is trusted with; never more than its owner.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not work.
    pub expires_at: Option<Timestamp>,
}
