//! How the lane of a device stands: the one that its messages go through, one at a time.

use serde::{Deserialize, Serialize};

use super::{
    pacing::{Limit, SendLog},
    stored::optional_word,
};
use crate::clock::Timestamp;

/// What of a lane outlives the connector that runs it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lane {
    /// How many messages WhatsApp took.
    pub sent: u64,
    /// How many messages failed for good.
    pub failed: u64,
    /// Before that, pacing lets nothing go.
    pub next_send_at: Option<Timestamp>,
    /// What it waits for until then.
    #[serde(deserialize_with = "optional_word")]
    pub waiting_for: Option<Limit>,
    /// What it sent of late, as far as pacing needs it.
    pub log: SendLog,
}
