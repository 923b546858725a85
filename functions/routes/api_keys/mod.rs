//! `/v1/api-keys`: credentials for programs.

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;

use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::{
        api_key::ApiKey,
        ids::{ApiKeyId, DeviceId},
        role::Role,
    },
    secret::Secret,
};
use utoipa::ToSchema;

/// A key as its owner sees it; the secret only in the answer that made it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ApiKeyBody {
    id: ApiKeyId,
    name: String,
    prefix: String,
    role: Role,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    allowed_ips: Vec<String>,
    /// Which devices alone it sees; all when empty.
    device_ids: Vec<DeviceId>,
    last_used_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Secret>,
}

impl ApiKeyBody {
    fn of(key: ApiKey, secret: Option<Secret>) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            role: key.role,
            created_at: key.created_at,
            expires_at: key.expires_at,
            allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
            device_ids: key.device_ids,
            last_used_at: key.last_used_at,
            key: secret,
        }
    }
}
