//! Linking by a code that is typed on the phone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SocketCommand;
use crate::{clock::Timestamp, secret::Secret};

/// Asks for a code that the owner types on the phone in place of scanning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPairingCode {
    /// The phone's number, digits only.
    pub phone_number: String,
}

/// A code to type on the phone, under *Linked devices*, *Link with phone number*.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingCode {
    /// Eight characters: as good as a login, so never shown in a log.
    pub code: Secret,
    /// Until when it can be typed.
    pub expires_at: Timestamp,
}

impl SocketCommand for RequestPairingCode {
    const KIND: &'static str = "pairing_code.v1";
    const REFUSED: &'static str = "pairing_code_refused";
    type Answer = PairingCode;
}
