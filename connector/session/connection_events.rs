//! Telling what becomes of a device's connection.

use std::time::Duration;

use shared::{
    domain::{
        device::{Device, DeviceStatus, QrCode},
        event::NewEvent,
    },
    services::{Context, events},
};

/// How long the device waits for the queue of events; what it has to tell waits on, in its order.
const EMIT_TIMEOUT: Duration = Duration::from_secs(2);

/// What was told of a device last.
#[derive(Debug, Default)]
pub(super) struct ConnectionEvents(Option<(DeviceStatus, Option<String>)>);

impl ConnectionEvents {
    /// The device as its row has it: what a former holder wrote there, it told; what the owner's request wrote,
    /// nobody has told yet.
    pub async fn observe(&mut self, ctx: &Context, device: &Device) {
        let is_news = match (&self.0, device.status) {
            (Some((told, _)), status) => *told != status && status == DeviceStatus::Connecting,
            (None, status) => status == DeviceStatus::Connecting,
        };
        // A connection that is open is not closed by the wish to have it open.
        let is_open = matches!(self.0, Some((DeviceStatus::Connected, _)));
        if is_news && !is_open {
            self.emit_changes(ctx, device, None).await;
        } else if self.0.is_none() {
            self.0 = Some(state(device));
        }
    }

    /// Tells of what is new about a device.
    pub async fn emit_changes(&mut self, ctx: &Context, device: &Device, qr: Option<&QrCode>) {
        let events = self.news(ctx, device, qr);
        self.emit(ctx, device, events).await;
    }

    async fn emit(&self, ctx: &Context, device: &Device, events: Vec<NewEvent>) {
        if events.is_empty() {
            return;
        }
        let emitting = ctx.emitter.emit(device.account_id, events);
        if tokio::time::timeout(EMIT_TIMEOUT, emitting).await.is_err() {
            tracing::warn!(device = %device.id, "what became of a device's connection is not told yet");
        }
    }

    /// Tells that a device's connection is closed, if it was open, and nothing else.
    pub async fn emit_closed(&mut self, ctx: &Context, device: &Device) {
        if matches!(self.0.replace(state(device)), Some((DeviceStatus::Connected, _))) {
            self.emit(ctx, device, vec![events::connection_closed(device, ctx.now())]).await;
        }
    }

    fn news(&mut self, ctx: &Context, device: &Device, qr: Option<&QrCode>) -> Vec<NewEvent> {
        let (now, state) = (ctx.now(), state(device));
        let was = self.0.replace(state.clone());
        let was_open = matches!(was, Some((DeviceStatus::Connected, _)));
        let is_open = device.status == DeviceStatus::Connected;
        let mut events = Vec::new();
        if was_open && !is_open {
            events.push(events::connection_closed(device, now));
        }
        if was.as_ref() != Some(&state) {
            events.push(events::status_changed(device, now));
        }
        if is_open && !was_open {
            events.push(events::connection_opened(device, now));
        }
        events.extend(qr.map(|qr| events::qr_generated(device, qr, now)));
        events
    }
}

fn state(device: &Device) -> (DeviceStatus, Option<String>) {
    (device.status, device.last_error.clone())
}
