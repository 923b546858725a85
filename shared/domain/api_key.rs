//! API keys: credentials for programs.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{
    ids::{AccountId, ApiKeyId, DeviceId, TenantId},
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
    /// The tenant that it acts in.
    pub tenant_id: TenantId,
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
    /// From where alone it works; from everywhere when empty.
    #[serde(default)]
    pub allowed_ips: Vec<IpNet>,
    /// Which devices alone it sees; all of the tenant's when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_ids: Vec<DeviceId>,
    /// About when it was last used.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it works at a time from an address. One that only works from some places does not work from
    /// an unknown one.
    pub fn works(&self, now: Timestamp, ip: Option<IpAddr>) -> bool {
        let from_there = self.allowed_ips.is_empty()
            || ip.is_some_and(|ip| self.allowed_ips.iter().any(|net| net.contains(&ip)));
        !self.is_expired(now) && from_there
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}
