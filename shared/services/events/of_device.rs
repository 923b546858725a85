//! Events of devices and their connections.

use serde_json::{Value, json};

use crate::{
    clock::Timestamp,
    domain::{
        device::{Device, DeviceStatus, QrCode},
        event::{EventType, NewEvent},
    },
};

/// The device can send and receive.
pub fn connection_opened(device: &Device, now: Timestamp) -> NewEvent {
    let data = json!({"phoneNumber": device.phone_number, "lid": device.lid, "pushName": device.push_name});
    event(EventType::ConnectionOpen, device, now, data)
}

/// It cannot any more, and why, when there is more to say than that its owner or Kurir wanted it.
pub fn connection_closed(device: &Device, now: Timestamp) -> NewEvent {
    let data = json!({"reason": device.last_error, "status": device.status});
    event(EventType::ConnectionClose, device, now, data)
}

/// Its status, or why it is not connected, changed.
pub fn status_changed(device: &Device, now: Timestamp) -> NewEvent {
    let data = json!({"status": device.status, "lastError": device.last_error});
    event(EventType::DeviceStatus, device, now, data)
}

/// It is deleted: the last of its events, which says so if it is told a second time.
pub(super) fn deleted(device: &Device, now: Timestamp) -> NewEvent {
    let data = json!({"status": DeviceStatus::LoggedOut, "lastError": null});
    event(EventType::DeviceStatus, device, now, data).of(device.id).maybe_told_since(Some(device.updated_at))
}

/// There is another QR code to scan.
pub fn qr_generated(device: &Device, qr: &QrCode, now: Timestamp) -> NewEvent {
    let data = json!({"qr": qr.code.expose(), "expiresAt": qr.expires_at});
    event(EventType::QrGenerated, device, now, data)
}

fn event(kind: EventType, device: &Device, now: Timestamp, data: Value) -> NewEvent {
    NewEvent::new(kind, now, device.id, data)
}
