//! What the audit log is told of a route's uses.

use std::net::IpAddr;

use axum::{
    http::{StatusCode, header},
    response::Response,
};
use shared::{
    domain::audit::Outcome,
    services::{
        Caller, Context, ErrorCode, Limit, Scope,
        audit::{self, NewAuditEntry},
    },
};

use crate::error::Problem;

/// What a handler adds to the audit entry of its use, by an extension of its answer.
#[derive(Debug, Clone, Default)]
pub struct AuditNote {
    /// Who it was, when the route knows better than the credentials.
    pub scope: Option<Scope>,
    /// To what it was done.
    pub target: Option<String>,
    /// Why it was refused, when the answer does not say so.
    pub code: Option<ErrorCode>,
}

/// A use of a route.
pub(super) struct Use {
    /// What the audit log calls it, if it is logged.
    pub action: Option<&'static str>,
    /// What the path names.
    pub target: Option<String>,
    /// Where it comes from, when known.
    pub ip: Option<IpAddr>,
    /// The request's id.
    pub request_id: String,
}

impl Use {
    /// Writes down the use, by a caller if that is known, with what its answer says.
    pub(super) async fn record(self, ctx: &Context, caller: Option<&Caller>, response: &mut Response) {
        let note = response.extensions_mut().remove::<AuditNote>();
        let problem = response.extensions().get::<Problem>();
        // A limit that is reached leaves one entry in its span, whatever is refused for it.
        let action = match problem.and_then(Problem::limit) {
            Some(Limit { is_first: false, .. }) => None,
            Some(Limit { name: Some(_), .. }) => Some("limit.reached"),
            Some(Limit { name: None, .. }) | None => self.action,
        };
        // Strangers leave an entry only where the route has something to say of them: they could fill the log.
        let Some(action) = action.filter(|_| caller.is_some() || note.is_some()) else { return };
        let limit = problem.and_then(|problem| problem.limit()?.name.clone());
        let note = note.unwrap_or_default();
        let entry = NewAuditEntry {
            scope: note.scope.as_ref().or(caller.map(|caller| &**caller)),
            action,
            target: limit.or(note.target).or(self.target).or_else(|| made(response)),
            ip: self.ip,
            outcome: note.code.map_or_else(|| outcome(response.status()), |_| Outcome::Denied),
            code: note.code.map(ErrorCode::as_str).or(problem.map(Problem::code)).map(str::to_owned),
            request_id: self.request_id,
        };
        audit::record(ctx, entry).await;
    }
}

/// Whether a text has the form of an id, so that nothing else gets into the audit log from a path.
pub(super) fn is_id(text: &str) -> bool {
    text.split_once('_').is_some_and(|(kind, ulid)| {
        kind.len() == 3 && ulid.len() == 26 && ulid.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn outcome(status: StatusCode) -> Outcome {
    match status.as_u16() {
        0..400 => Outcome::Success,
        400..500 => Outcome::Denied,
        _ => Outcome::Failed,
    }
}

/// The id of what was made, from where the answer says it is.
fn made(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    location.rsplit('/').next().filter(|text| is_id(text)).map(str::to_owned)
}
