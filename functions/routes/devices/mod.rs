//! `/v1/devices`: linked WhatsApp accounts.

pub(super) mod change;
pub(super) mod connect;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod disconnect;
pub(super) mod get;
pub(super) mod list;
pub(super) mod logout;
pub(super) mod pairing_code;
pub(super) mod pause;
pub(super) mod qr;
pub(super) mod resume;

use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::{
        device::{Device, DeviceStatus, OnRelink},
        ids::DeviceId,
        jid::Jid,
        pacing::Pacing,
        phone::PhoneNumber,
    },
};
use utoipa::ToSchema;

/// A device as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "dev_01KBJ8ZV2N4X6P0QY1B3T5W7RC", "name": "Shop", "status": "connected", "phoneNumber": "+6281234567890",
    "lid": "99887766554433@lid", "pushName": "Shop", "shard": 3, "paused": false,
    "pacing": {"minDelayMs": 3000, "maxDelayMs": 7000, "perMinute": 20, "perHour": 500, "perRecipientPerHour": 10},
    "onRelink": "fail", "lastSeenAt": "2026-03-12T19:03:58.123Z", "lastError": null,
    "createdAt": "2026-03-12T18:00:00.000Z", "updatedAt": "2026-03-12T19:03:58.123Z"
}))]
pub(super) struct DeviceBody {
    id: DeviceId,
    name: String,
    status: DeviceStatus,
    phone_number: Option<PhoneNumber>,
    lid: Option<Jid>,
    push_name: Option<String>,
    shard: u16,
    paused: bool,
    pacing: Pacing,
    /// What becomes of messages that wait when it is linked to another number.
    on_relink: OnRelink,
    last_seen_at: Option<Timestamp>,
    last_error: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Device> for DeviceBody {
    fn from(device: Device) -> Self {
        Self {
            id: device.id,
            name: device.name,
            status: device.status,
            phone_number: device.phone_number,
            lid: device.lid,
            push_name: device.push_name,
            shard: device.shard,
            paused: device.paused,
            pacing: device.pacing,
            on_relink: device.on_relink,
            last_seen_at: device.last_seen_at,
            last_error: device.last_error,
            created_at: device.created_at,
            updated_at: device.updated_at,
        }
    }
}
