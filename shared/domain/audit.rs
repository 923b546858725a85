//! Audit entries: who did what to what, from where, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    actor::ActorKind,
    ids::{ApiKeyId, AuditId, TenantId},
};
use crate::clock::Timestamp;

/// One thing that somebody did. Entries are never changed; secrets are never in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id; ids are in time order.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// For whom; absent when nobody known was asking.
    pub tenant_id: Option<TenantId>,
    /// As what it was done; absent when nobody known was asking.
    pub actor_kind: Option<ActorKind>,
    /// Who: the id of an account, a job, a schedule or an auto-reply.
    pub actor_id: Option<String>,
    /// With which API key, when with one.
    pub api_key_id: Option<ApiKeyId>,
    /// What, as `<thing>.<verb>`.
    pub action: String,
    /// To what: an id, the name of a limit, or for a login or a registration `email:` and a keyed hash of the
    /// address, by which the address can be searched.
    pub target: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// The problem's code, when it was refused or failed.
    pub code: Option<String>,
    /// The request that did it.
    pub request_id: String,
}

/// What came of what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done, or accepted.
    Success,
    /// It was refused.
    Denied,
    /// It could not be done.
    Failed,
}
