//! What this version does not show.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::validation::Invalid;

/// A kind of content that this version does not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unsupported {
    /// The kind, as WhatsApp names it; `newer` when a newer version of Kurir stored it.
    pub kind: String,
}

impl Unsupported {
    /// The kind of what a newer version stored.
    pub const NEWER: &str = "newer";

    pub(super) fn preview(&self) -> String {
        format!("[{}]", self.kind)
    }

    pub(super) fn validate(&self, invalid: &mut Invalid) {
        invalid.unless(false, "type", "type_unknown", "this kind cannot be sent");
    }
}
