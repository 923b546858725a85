//! Accounts: tenant users.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ids::AccountId, role::Role};
use crate::clock::Timestamp;

/// A tenant user, as everyone but the login sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its id, which is also the tenant id of all it owns.
    pub id: AccountId,
    /// Unique, in the form that [`Email`] gives.
    pub email: Email,
    /// What the person is called.
    pub name: String,
    /// What it is trusted with.
    pub role: Role,
    /// The name of its row of limits.
    pub plan: String,
    /// Whether its credentials work.
    pub active: bool,
    /// When it registered.
    pub created_at: Timestamp,
    /// When it last logged in with its password.
    pub last_login_at: Option<Timestamp>,
}

/// The erasure of an account and all that it owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Whether it is done.
    pub status: ErasureStatus,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When nothing was left.
    pub finished_at: Option<Timestamp>,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErasureStatus {
    /// Something is left.
    Running,
    /// Nothing is left.
    Done,
}

/// An e-mail address in the form that makes it unique: trimmed and in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Reads an address. It must look like `name@host`, at most 254 bytes (RFC 5321); only a message
    /// sent there would prove more.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (local, host) = text.rsplit_once('@')?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
        let good = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(plain)
            && host.split('.').count() >= 1
            && host
                .split('.')
                .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
            && text.len() <= 254;
        good.then_some(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an e-mail address")
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folded_and_checked() {
        assert_eq!(Email::parse("  Ani@Example.COM ").unwrap().as_str(), "ani@example.com");
        for bad in ["", "ani", "@example.com", "a b@example.com", "ani@", "ani@ex ample.com", "a@b..c"] {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
    }
}
