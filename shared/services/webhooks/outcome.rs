//! What an answer, or none, means for a delivery.

use crate::{
    domain::webhook::MAX_BODY_BYTES,
    outbound::{Reply, SendError},
};

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Whether the receiver took the event.
    pub(super) taken: bool,
    /// Whether it wants no more for good.
    pub(super) gone: bool,
    /// The status of its answer.
    pub(super) status: Option<u16>,
    /// The beginning of its answer.
    pub(super) body: Option<String>,
    /// What went wrong.
    pub(super) error: Option<String>,
}

impl Outcome {
    /// Only a whole answer with 2xx means that the event was taken. A redirect does not: it is not followed.
    pub(super) fn of(result: Result<Reply, SendError>) -> Self {
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => {
                let error = Some(error.to_string());
                return Self { taken: false, gone: false, status: None, body: None, error };
            }
        };
        let error = match (&reply.broken, reply.status) {
            (Some(why), _) => Some(why.clone()),
            (None, 200..=299) => None,
            (None, 300..=399) => Some("redirects are not followed; give the final address".into()),
            (None, status) => Some(format!("the receiver answered {status}")),
        };
        let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(MAX_BODY_BYTES)]).into_owned();
        Self {
            taken: error.is_none(),
            gone: reply.status == 410,
            status: Some(reply.status),
            // The store has no use for NUL, and nobody reads it.
            body: Some(text.replace('\0', "\u{fffd}")),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, broken: Option<&str>) -> Result<Reply, SendError> {
        Ok(Reply { status, body: b"\xffok".to_vec(), is_cut: false, broken: broken.map(Into::into) })
    }

    #[test]
    fn only_a_whole_2xx_is_taken() {
        for status in [200, 201, 202, 204, 299] {
            let outcome = Outcome::of(reply(status, None));
            assert!(outcome.taken && outcome.error.is_none(), "{status}");
        }
        for status in [100, 301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503] {
            let outcome = Outcome::of(reply(status, None));
            assert!(!outcome.taken && outcome.error.is_some(), "{status}");
            assert_eq!(outcome.gone, status == 410);
        }
        let broken = Outcome::of(reply(200, Some("the answer ended early")));
        assert!(!broken.taken && broken.status == Some(200));
        let none = Outcome::of(Err(SendError::Timeout));
        assert!(!none.taken && none.status.is_none() && none.body.is_none());
    }

    #[test]
    fn an_answer_that_is_no_text_is_kept_as_well_as_it_can_be() {
        assert_eq!(Outcome::of(reply(200, None)).body.as_deref(), Some("\u{fffd}ok"));
    }
}
