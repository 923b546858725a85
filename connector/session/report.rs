//! Writing down how a device is.

use shared::{
    clock::Timestamp,
    domain::{
        device::{Desired, Device, DeviceStatus, QrCode},
        jid::Jid,
        phone::PhoneNumber,
    },
    secret::Secret,
    services::Error,
    store::devices::{self, Report},
};

use crate::{ownership::Assignment, retry::patiently, whatsapp::Linked, worker::Worker};

/// Stores a report. `None` when the device is gone or being deleted. A store that stays away is logged:
/// the next report, or the next start, sets it right.
pub(super) async fn store(worker: &Worker, assignment: &Assignment, report: Report) -> Option<Device> {
    let write = || async {
        let now = worker.ctx.now();
        Ok::<_, Error>(
            devices::report(&worker.ctx.db, assignment.tenant, assignment.device, report.clone(), now)
                .await?,
        )
    };
    match patiently(write).await {
        Ok(device) => device,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(device = %assignment.device, error, "a device's status could not be written");
            None
        }
    }
}

pub(super) fn connecting(reason: Option<String>) -> Report {
    Report {
        status: Some(DeviceStatus::Connecting),
        last_error: Some(reason),
        qr: Some(None),
        ..Report::default()
    }
}

pub(super) fn showing(code: String, expires_at: Timestamp) -> Report {
    Report {
        status: Some(DeviceStatus::Qr),
        qr: Some(Some(QrCode { code: Secret::new(code), expires_at })),
        last_error: Some(None),
        ..Report::default()
    }
}

pub(super) fn linked(status: DeviceStatus, to: &Linked, now: Timestamp) -> Report {
    let jid = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Jid>().ok());
    let Linked { identity, push_name } = to;
    Report {
        status: Some(status),
        phone_number: jid(&identity.pn).and_then(|jid| PhoneNumber::parse(jid.user()).ok()).map(Some),
        lid: jid(&identity.lid).map(Some),
        push_name: push_name.clone(),
        qr: Some(None),
        last_error: Some(None),
        last_seen_at: Some(now),
        ..Report::default()
    }
}

pub(super) fn disconnected(reason: Option<String>, desired: Option<Desired>) -> Report {
    Report {
        status: Some(DeviceStatus::Disconnected),
        last_error: Some(reason),
        qr: Some(None),
        desired,
        ..Report::default()
    }
}

pub(super) fn failed(reason: String) -> Report {
    Report {
        status: Some(DeviceStatus::Failed),
        last_error: Some(Some(reason)),
        qr: Some(None),
        ..Report::default()
    }
}

pub(super) fn logged_out(reason: Option<String>) -> Report {
    Report {
        status: Some(DeviceStatus::LoggedOut),
        desired: Some(Desired::LoggedOut),
        phone_number: Some(None),
        lid: Some(None),
        last_error: Some(reason),
        qr: Some(None),
        ..Report::default()
    }
}
