//! What messages hold, in and out: a file for each kind. A new kind is a file, a variant with its arm in each method
//! here, its field in [`ContentFields`], and its wire form in `connector/whatsapp/content`.

mod new;
mod text;
mod unsupported;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::validation::Invalid;

pub use new::{ContentFields, NewContent};
pub use text::{NewText, Text};
pub use unsupported::Unsupported;

/// What a message holds: `{"type": "text", "text": {"body": "…"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", from = "Stored")]
pub enum Content {
    /// Plain text.
    Text {
        /// The text itself.
        text: Text,
    },
    /// Something that this version does not show.
    Unsupported {
        /// What it is.
        unsupported: Unsupported,
    },
}

impl Content {
    /// A text message.
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text { text: Text { body: body.into() } }
    }

    /// Something that is not shown, by its kind.
    pub fn unsupported(kind: impl Into<String>) -> Self {
        Self::Unsupported { unsupported: Unsupported { kind: kind.into() } }
    }

    /// The first characters, for a list of chats.
    pub fn preview(&self) -> String {
        match self {
            Self::Text { text } => text.preview(),
            Self::Unsupported { unsupported } => unsupported.preview(),
        }
    }

    /// Names what is not valid of what is to be sent.
    pub fn validate(&self, invalid: &mut Invalid) {
        match self {
            Self::Text { text } => text.validate(invalid),
            Self::Unsupported { unsupported } => unsupported.validate(invalid),
        }
    }

    /// As it is kept of a message that arrived: what does not fit a row is named in its place.
    #[must_use]
    pub fn fitting(self) -> Self {
        match self {
            Self::Text { text } if !text.fits() => Self::unsupported("too_large"),
            other => other,
        }
    }
}

/// Content as rows have it, some of them of newer versions.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Stored {
    Text {
        text: Text,
    },
    Unsupported {
        unsupported: Unsupported,
    },
    #[serde(other)]
    Newer,
}

impl From<Stored> for Content {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Text { text } => Self::Text { text },
            Stored::Unsupported { unsupported } => Self::Unsupported { unsupported },
            Stored::Newer => Self::unsupported(Unsupported::NEWER),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_is_written_under_its_kind_and_read_again() {
        let text = Content::text("Hello");
        let json = json!({"type": "text", "text": {"body": "Hello"}});
        assert_eq!(serde_json::to_value(&text).unwrap(), json);
        assert_eq!(serde_json::from_value::<Content>(json).unwrap(), text);
    }

    #[test]
    fn what_a_newer_version_stored_is_shown_as_far_as_it_can_be() {
        let newer = json!({"type": "hologram", "hologram": {"meshes": 3}});
        let content: Content = serde_json::from_value(newer).unwrap();
        assert_eq!(content, Content::unsupported("newer"));
        let more = json!({"type": "text", "text": {"body": "Hello", "font": "serif"}});
        assert_eq!(serde_json::from_value::<Content>(more).unwrap(), Content::text("Hello"));
    }

    #[test]
    fn a_text_that_does_not_fit_is_named_when_it_arrives_and_refused_when_it_is_to_be_sent() {
        let long = Content::text("é".repeat(text::MAX_CHARS + 1));
        assert_eq!(long.clone().fitting(), Content::unsupported("too_large"));
        assert_eq!(Content::text("é".repeat(text::MAX_CHARS)).fitting().preview(), "é".repeat(100));
        for (content, code) in [(long, "too_long"), (Content::text(" \n"), "too_short")] {
            let mut invalid = Invalid::default();
            content.validate(&mut invalid);
            let fields = invalid.finish(Some(())).unwrap_err();
            assert_eq!((fields[0].field.as_str(), fields[0].code.as_str()), ("text.body", code));
        }
    }
}
