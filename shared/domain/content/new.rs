//! Content as a request has it: the kind in `type`, and what it holds in the field of that name.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Content, text::NewText};
use crate::domain::validation::FieldError;

/// What is to be sent, by its kind.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum NewContent {
    /// Plain text.
    Text {
        /// The text itself.
        text: NewText,
    },
}

/// The kinds that can be sent.
const KINDS: [&str; 1] = ["text"];

/// The fields of all kinds, of which a request has one: a form that is read field by field can name the one that is
/// wrong, which [`NewContent`] cannot.
#[derive(Debug, Clone, Default)]
pub struct ContentFields {
    /// For kind `text`.
    pub text: Option<NewText>,
}

impl ContentFields {
    /// The content of this kind.
    ///
    /// # Errors
    /// `type` when there is no such kind, or the field of that kind when it is missing.
    pub fn of_kind(self, kind: &str) -> Result<Content, FieldError> {
        match kind {
            "text" => needed(self.text, kind).map(|text| Content::Text { text: text.into() }),
            _ => {
                let known = KINDS.map(|kind| format!("`{kind}`")).join(", ");
                Err(FieldError::new("type", "type_unknown", format!("must be {known}")))
            }
        }
    }
}

fn needed<T>(field: Option<T>, kind: &str) -> Result<T, FieldError> {
    let message = || format!("a message of type `{kind}` needs `{kind}`");
    field.ok_or_else(|| FieldError::new(kind, "missing", message()))
}
