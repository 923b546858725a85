//! Accounts: people, each in one tenant.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ids::{AccountId, TenantId},
    role::Role,
};
use crate::clock::Timestamp;

/// A person in a tenant, as everyone but the login sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The tenant that it is a member of.
    pub tenant_id: TenantId,
    /// Unique, in the form that [`Email`] gives.
    pub email: Email,
    /// What the person is called.
    pub name: String,
    /// What it is trusted with.
    pub role: Role,
    /// Whether its credentials work.
    pub active: bool,
    /// Until when the person may accept the invitation; null for who is no longer, or was never, invited.
    #[serde(default)]
    pub invite_expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last logged in with its password.
    pub last_login_at: Option<Timestamp>,
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
