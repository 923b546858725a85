//! What a device does when its socket is something else than before.

use std::time::Duration;

use shared::{
    domain::device::{Desired, DeviceStatus},
    store::devices,
};
use tokio::time::Instant;

use super::Actor;
use crate::{
    outbound::{lane::OpenConnection, slowdown},
    session::report,
    whatsapp::{End, SocketState},
};

/// When a device whose place another connection took is tried again: a second holder is either gone by
/// then or there to stay.
const REPLACED_PAUSE: Duration = Duration::from_secs(60);

/// A connection that lasted so long was not too soon after the one before.
const CALM_AFTER: Duration = Duration::from_secs(30 * 60);

impl Actor {
    pub(super) async fn on_state(&mut self, state: SocketState) {
        tracing::debug!(device = %self.assignment.device, ?state, "socket");
        let now = self.worker.ctx.now();
        if !matches!(state, SocketState::Connected(_)) {
            self.lane.open.send_replace(None);
        }
        match state {
            SocketState::Connecting { linked: None, reason } => self.report(report::connecting(reason)).await,
            SocketState::Connecting { linked: Some(linked), reason } => {
                if self.admit(&linked.identity).await.is_none() {
                    return;
                }
                let report = report::linked(DeviceStatus::Connecting, &linked, now);
                self.report(devices::Report { last_error: Some(reason), ..report }).await;
            }
            SocketState::ShowingQr { code, until, problem } => {
                let Some(live) = &mut self.live else { return };
                let last_error = Some(problem);
                let report = if live.qr.as_ref() == Some(&code) {
                    devices::Report { last_error, ..Default::default() }
                } else {
                    live.qr = Some(code.clone());
                    let expires_at = now + until.saturating_duration_since(Instant::now());
                    devices::Report { last_error, ..report::showing(code, expires_at) }
                };
                self.report(report).await;
            }
            SocketState::Connected(linked) => {
                let Some(generation) = self.admit(&linked.identity).await else { return };
                self.backoff.reset();
                self.connected_at = Some(Instant::now());
                self.report(report::linked(DeviceStatus::Connected, &linked, now)).await;
                let connection = self.live.as_ref().map(|live| live.connection.clone());
                let open = connection.map(|connection| OpenConnection { connection, generation });
                self.lane.open.send_replace(open);
            }
            SocketState::Over(end) => self.on_over(end).await,
        }
    }

    async fn on_over(&mut self, end: End) {
        match end {
            End::QrExhausted => {
                let reason = "nobody scanned the QR code in time; connect again for a new one";
                self.close().await;
                self.report(report::disconnected(Some(reason.into()), Some(Desired::Disconnected))).await;
            }
            End::LoggedOut { reason } => self.on_logged_out(reason).await,
            End::Replaced => {
                tracing::error!(device = %self.assignment.device, "another connection took this device's place: two holders");
                let reason = "another connection took this device's place";
                self.fail(reason.into(), REPLACED_PAUSE).await;
            }
            End::Banned { reason, expires_in, .. } => {
                let reason = format!("WhatsApp banned the account for {} s: {reason}", expires_in.as_secs());
                self.fail(reason, expires_in).await;
            }
            End::ClientOutdated => {
                let reason = "WhatsApp no longer takes this version of the client; Kurir needs an update";
                self.fail(reason.into(), Duration::from_secs(3600)).await;
            }
            End::Refused { code, reason } => {
                let pause = self.backoff.next();
                self.fail(format!("WhatsApp refused the connection ({code}): {reason}"), pause).await;
            }
            End::RateLimited => {
                if self.connected_at.take().is_some_and(|at| at.elapsed() >= CALM_AFTER) {
                    self.slowdowns = 0;
                }
                self.slowdowns += 1;
                let pause = slowdown(self.worker.rate_limit_pause, self.slowdowns);
                let until = self.worker.ctx.now() + pause;
                self.again_after(
                    pause,
                    format!("WhatsApp limits how often this device may connect; the next try is at {until}"),
                )
                .await;
            }
            End::Stopped => {
                let pause = self.backoff.next();
                self.again_after(pause, "the connection ended; connecting again".into()).await;
            }
        }
    }

    async fn on_logged_out(&mut self, reason: String) {
        self.close().await;
        match self
            .worker
            .keys
            .wipe(self.assignment.tenant, self.assignment.device, self.assignment.lease.clone())
            .await
        {
            Ok(()) => self.report(report::logged_out(Some(reason))).await,
            Err(error) => {
                self.log("the device's keys cannot be wiped yet", &error);
                let desired = Some(Desired::LoggedOut);
                self.report(devices::Report {
                    last_error: Some(Some(reason)),
                    desired,
                    ..Default::default()
                })
                .await;
                self.retry_later(None);
            }
        }
    }
}
