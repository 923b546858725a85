//! How a use case fails: a stable code for programs, a sentence for people, and the fields at fault.

use std::{sync::Arc, time::Duration};

use super::ErrorCode;
use crate::{failure::FailureKind, queue::QueueError, store::StoreError};

/// A failure of a use case.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// Why.
    pub code: ErrorCode,
    /// A sentence for people, without internals.
    pub detail: String,
    /// The fields at fault.
    pub fields: Vec<FieldError>,
    /// When it is worth another try.
    pub retry_after: Option<Duration>,
    /// The limit that is reached, when others may be told of it so often that the audit log would fill up.
    pub limit: Option<Box<Limit>>,
    /// The internal cause: for the log, never for the caller.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What it is called, like `messagesPerHour`; `None` for attempts to log in or register.
    pub name: Option<String>,
    /// Whether this is the first refusal in its span.
    pub is_first: bool,
}

/// A field that is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its path, like `text.body`.
    pub field: String,
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl Error {
    /// A failure without cause or fields.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new(), retry_after: None, limit: None, cause: None }
    }

    /// The same failure, with when it is worth another try.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// The same failure, because this limit is reached.
    #[must_use]
    pub fn at_limit(self, limit: Limit) -> Self {
        Self { limit: Some(Box::new(limit)), ..self }
    }

    /// Something is not there, or another tenant's: the two look the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// The credentials are missing or not valid.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unauthenticated, detail)
    }

    /// A fault of Kurir's own.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(ErrorCode::Internal, "something went wrong on our side")
        }
    }

    /// Whether the same will work some day, when AWS is back or the deployment is mended: whoever can wait does.
    pub fn passes(&self) -> bool {
        matches!(self.code, ErrorCode::Unavailable | ErrorCode::Busy | ErrorCode::Misconfigured)
    }

    /// Something that Kurir depends on is busy or away.
    pub(super) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::of(FailureKind::Unavailable, cause)
    }

    /// A failure of what Kurir depends on.
    fn of(kind: FailureKind, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let (code, detail, pause) = match kind {
            FailureKind::Unavailable => {
                (ErrorCode::Unavailable, "a part of Kurir is busy or away; try again soon", 1)
            }
            FailureKind::Misconfigured => (
                ErrorCode::Misconfigured,
                "this deployment of Kurir is not as it should be; its log says what is wrong",
                10,
            ),
            FailureKind::Poison => return Self::internal(cause),
        };
        Self { cause: Some(cause.into()), ..Self::new(code, detail).retry_after(Duration::from_secs(pause)) }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::of(error.kind(), error)
    }
}

/// A failure that several requests share.
impl From<Arc<StoreError>> for Error {
    fn from(error: Arc<StoreError>) -> Self {
        Self::of(error.kind(), error)
    }
}

impl From<QueueError> for Error {
    fn from(error: QueueError) -> Self {
        Self::of(error.kind(), error)
    }
}

/// Collects the fields that are not valid, so that all are named at once.
#[derive(Debug, Default)]
pub struct Invalid(Vec<FieldError>);

impl Invalid {
    /// Names a field, unless `valid`.
    pub fn unless(&mut self, valid: bool, field: &str, code: &str, message: &str) {
        if !valid {
            self.0.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
        }
    }

    /// Takes a value, or names its field.
    pub fn take<T, E: std::fmt::Display>(
        &mut self,
        value: Result<T, E>,
        field: &str,
        code: &str,
    ) -> Option<T> {
        value.map_err(|error| self.unless(false, field, code, &error.to_string())).ok()
    }

    /// A text between `min` and `max` characters, trimmed.
    pub fn text(&mut self, value: &str, field: &str, min: usize, max: usize) -> String {
        let value = value.trim();
        let chars = value.chars().count();
        self.unless(chars >= min, field, "too_short", &format!("at least {min} characters are needed"));
        self.unless(chars <= max, field, "too_long", &format!("at most {max} characters are allowed"));
        value.to_owned()
    }

    /// Fails when any field was named.
    pub fn check(self) -> Result<(), Error> {
        let count = self.0.len();
        match count {
            0 => Ok(()),
            _ => Err(Error {
                fields: self.0,
                ..Error::new(
                    ErrorCode::ValidationFailed,
                    format!("{count} {} not valid", if count == 1 { "field is" } else { "fields are" }),
                )
            }),
        }
    }
}
