//! How a use case fails: a stable code for programs, a sentence for people, and the fields at fault.

use std::{sync::Arc, time::Duration};

use super::ErrorCode;
use crate::{domain::validation::FieldError, failure::FailureKind, queue::QueueError, store::StoreError};

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

impl From<Vec<FieldError>> for Error {
    fn from(fields: Vec<FieldError>) -> Self {
        let count = fields.len();
        let detail = format!("{count} {} not valid", if count == 1 { "field is" } else { "fields are" });
        Self { fields, ..Self::new(ErrorCode::ValidationFailed, detail) }
    }
}
