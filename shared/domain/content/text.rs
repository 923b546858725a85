//! Plain text.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::validation::Invalid;

/// The longest text that WhatsApp's clients let a person send, in characters.
pub const MAX_CHARS: usize = 65_536;

/// How many characters a list of chats shows.
const PREVIEW_CHARS: usize = 100;

/// Plain text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Text {
    /// What it says.
    pub body: String,
}

/// Plain text as a request has it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewText {
    /// What it says.
    body: String,
}

impl From<NewText> for Text {
    fn from(NewText { body }: NewText) -> Self {
        Self { body }
    }
}

impl Text {
    pub(super) fn preview(&self) -> String {
        self.body.chars().take(PREVIEW_CHARS).collect()
    }

    /// Whether it is short enough for a row.
    pub(super) fn fits(&self) -> bool {
        self.body.chars().count() <= MAX_CHARS
    }

    pub(super) fn validate(&self, invalid: &mut Invalid) {
        invalid.unless(!self.body.trim().is_empty(), "text.body", "too_short", "the text is empty");
        let message = format!("a text has at most {MAX_CHARS} characters");
        invalid.unless(self.fits(), "text.body", "too_long", &message);
    }
}

/// Nobody's words are shown in a log.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.body.len())
    }
}
