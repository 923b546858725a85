//! Three kinds of failure of what Kurir depends on. They decide who waits and what is given up.

use std::{error::Error, fmt::Debug};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// AWS is busy, broken or out of reach. It passes by itself.
    Unavailable,
    /// AWS refuses what this deployment asks: credentials, permissions, tables, queues. It passes when somebody
    /// mends the deployment; nothing is wrong with what was to be done.
    Misconfigured,
    /// This one thing cannot be read or written, now or ever. Others can.
    Poison,
}

impl FailureKind {
    /// Whether the same will work some day: whoever can wait does, and gives nothing up.
    pub fn passes(self) -> bool {
        self != Self::Poison
    }

    /// The kind of an answer of DynamoDB or SQS, or of its absence.
    pub(crate) fn of<E>(error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Debug,
    {
        match error {
            SdkError::ServiceError(answer) => {
                let error = answer.err();
                Self::of_refusal(error.code(), error.message(), answer.raw().status().as_u16())
            }
            // A page of a proxy in between, or an answer cut short.
            SdkError::ResponseError(answer) => Self::of_refusal(None, None, answer.raw().status().as_u16()),
            SdkError::TimeoutError(_) => Self::Unavailable,
            _ if cannot_be_asked(error) => Self::Misconfigured,
            _ => Self::Unavailable,
        }
    }

    /// Only what is known to be about the item itself is poison: whatever is not known waits for somebody to
    /// look at it.
    fn of_refusal(code: Option<&str>, message: Option<&str>, status: u16) -> Self {
        let code = code.unwrap_or_default();
        // `AWS.SimpleQueueService.NonExistentQueue`, `com.amazonaws.sqs#OverLimit`
        let code = code.rsplit(['#', '.']).next().unwrap_or_default();
        let message = message.unwrap_or_default();
        match code {
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "OverLimit"
            | "InternalServerError"
            | "InternalError"
            | "InternalFailure"
            | "ServiceUnavailable"
            | "LimitExceededException"
            | "TransactionInProgressException"
            | "TransactionConflictException" => Self::Unavailable,
            "TransactionCanceledException" if message.contains("ValidationError") => Self::Poison,
            // A conflict with another transaction; a failed condition never gets here.
            "TransactionCanceledException" => Self::Unavailable,
            "ValidationException" if is_about_the_table(message) => Self::Misconfigured,
            "ValidationException"
            | "ConditionalCheckFailedException"
            | "ItemCollectionSizeLimitExceededException"
            | "SerializationException"
            | "InvalidMessageContents"
            | "InvalidParameterValue"
            | "InvalidAttributeValue"
            | "BatchRequestTooLong"
            | "ReceiptHandleIsInvalid" => Self::Poison,
            _ if status >= 500 => Self::Unavailable,
            _ if status == 413 => Self::Poison,
            _ => Self::Misconfigured,
        }
    }
}

/// A table of another version: its keys or indexes are not those of this one.
fn is_about_the_table(message: &str) -> bool {
    const WORDS: [&str; 4] =
        ["specified index", "does not match the schema", "Missing the key", "'tableName'"];
    WORDS.iter().any(|words| message.contains(words))
}

/// Without region or credentials, no request goes out.
fn cannot_be_asked(error: &impl Debug) -> bool {
    const WORDS: [&str; 5] = [
        "CredentialsNotLoaded",
        "no providers in chain",
        "ProviderError",
        "Missing Region",
        "InvalidConfiguration",
    ];
    let shown = format!("{error:?}");
    WORDS.iter().any(|words| shown.contains(words))
}

/// An error and what is behind it, each said once.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureKind::{Misconfigured, Poison, Unavailable};

    fn kind(code: &str, message: &str, status: u16) -> FailureKind {
        let code = Some(code).filter(|code| !code.is_empty());
        FailureKind::of_refusal(code, Some(message), status)
    }

    #[test]
    fn what_aws_says_of_itself_passes_and_what_it_says_of_the_deployment_waits_to_be_mended() {
        for code in ["ThrottlingException", "ProvisionedThroughputExceededException", "OverLimit"] {
            assert_eq!(kind(code, "", 400), Unavailable, "{code}");
        }
        assert_eq!(kind("InternalServerError", "", 500), Unavailable);
        assert_eq!(kind("", "<html>Service Unavailable</html>", 503), Unavailable);
        for code in [
            "ExpiredTokenException",
            "AccessDeniedException",
            "ResourceNotFoundException",
            "UnrecognizedClientException",
            "AWS.SimpleQueueService.NonExistentQueue",
            "com.amazonaws.sqs#QueueDoesNotExist",
            "KMS.AccessDeniedException",
            "SomethingNew",
        ] {
            assert_eq!(kind(code, "", 400), Misconfigured, "{code}");
        }
        assert_eq!(
            kind("ValidationException", "The table does not have the specified index: x", 400),
            Misconfigured
        );
    }

    #[test]
    fn only_what_is_about_the_item_itself_is_poison() {
        assert_eq!(
            kind("ValidationException", "Item size has exceeded the maximum allowed size", 400),
            Poison
        );
        assert_eq!(kind("InvalidMessageContents", "", 400), Poison);
        assert_eq!(kind("TransactionCanceledException", "[None, ValidationError]", 400), Poison);
        assert_eq!(kind("TransactionCanceledException", "[None, TransactionConflict]", 400), Unavailable);
        assert!(Unavailable.passes() && Misconfigured.passes() && !Poison.passes());
    }
}
