//! Why WhatsApp ended or refused a connection, as an owner reads it. The codes are those of the library
//! (`ConnectFailureReason`), which has them from WhatsApp Web.

use whatsapp_rust::{types::events::ConnectFailureReason, wacore::net::DisconnectReason};

/// Why a login was refused.
pub(super) fn of_refusal(reason: &ConnectFailureReason) -> String {
    use ConnectFailureReason as Reason;
    match reason {
        Reason::LoggedOut => "the device was unlinked on the phone".into(),
        Reason::TempBanned => "the account is banned for a while".into(),
        Reason::AccountLocked => "WhatsApp locked the account".into(),
        Reason::UnknownLogout => "WhatsApp unlinked the device".into(),
        Reason::ClientOutdated => "WhatsApp no longer takes this version of the client".into(),
        Reason::BadUserAgent => "WhatsApp does not take this kind of client".into(),
        Reason::CatExpired | Reason::CatInvalid => {
            "WhatsApp does not take the device's access token any more".into()
        }
        Reason::NotFound | Reason::ClientUnknown => "WhatsApp does not know the device".into(),
        Reason::InternalServerError => "WhatsApp has a fault".into(),
        Reason::ServiceUnavailable => "WhatsApp is not available".into(),
        Reason::Generic | Reason::Experimental => "WhatsApp gave no reason".into(),
        Reason::Unknown(code) => format!("WhatsApp gave the code {code}"),
    }
}

/// Why a connection ended.
pub(super) fn of_end(reason: &DisconnectReason) -> String {
    match reason {
        DisconnectReason::ServerClose { code, reason } => {
            let code = code.map(|code| format!(" (code {code})")).unwrap_or_default();
            let said = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            format!("WhatsApp closed the connection{code}{said}")
        }
        DisconnectReason::StreamEnded => "WhatsApp ended the connection".into(),
        DisconnectReason::ReadError(error) => format!("the connection broke: {error}"),
        DisconnectReason::Unknown => "the connection ended".into(),
    }
}
