//! Route tables: each route declares who may use it, what it counts as, and what the audit log calls it. All
//! of that is enforced around its handler.

mod audit;
mod endpoint;
mod guard;
mod rate_limit;
mod router;
mod rule;

pub use audit::AuditNote;
pub use endpoint::Endpoint;
pub(crate) use endpoint::endpoint;
pub use router::{around, bare, router};
pub use rule::{Access, Rule};

use axum::{http::Method, routing::MethodRouter};
use shared::{
    domain::plan::Meter,
    services::{Context, ErrorCode},
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::surface::{Place, Surface};

/// One route: an endpoint, and what holds for it.
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, with `{names}` for its variable parts.
    pub path: String,
    /// What holds for it.
    pub rule: Rule,
    /// The codes that its handler fails with, beside those of what it takes from the request.
    pub(crate) codes: &'static [ErrorCode],
    handler: MethodRouter<Context>,
    describe: fn() -> UtoipaMethodRouter<Context>,
}

impl Route {
    /// A route that only reads, or that nobody needs to account for.
    pub fn new(endpoint: Endpoint, access: Access) -> Self {
        let Endpoint { method, path, handler, describe } = endpoint;
        let surface = Surface::of(&path);
        Self { method, path, rule: Rule::new(access, surface), codes: &[], handler, describe }
    }

    /// The same, whose handler fails with these codes. What its extractors, its rule and whatever is around each route
    /// fail with goes without saying.
    #[must_use]
    pub fn failing_with(mut self, codes: &'static [ErrorCode]) -> Self {
        self.codes = codes;
        self
    }

    /// The same, with each use in the audit log.
    #[must_use]
    pub fn audited(mut self, action: &'static str) -> Self {
        self.rule.action = Some(action);
        self
    }

    /// The same, with each use counted on these meters, too.
    #[must_use]
    pub fn metered(mut self, meters: &'static [Meter]) -> Self {
        self.rule.meters = meters;
        self
    }

    /// The same, but its use case counts the use.
    #[must_use]
    pub fn counting_itself(mut self) -> Self {
        self.rule.counts_itself = true;
        self
    }

    /// The same, taking an access token or an API key as `?token=`, too: for a browser's EventSource, which sends
    /// no headers of one's own.
    #[must_use]
    pub fn taking_token_in_address(mut self) -> Self {
        self.rule.more_places = &[Place::Query("token")];
        self
    }

    /// What the API's description says of it. Takes time that a starting function has better uses for.
    pub(crate) fn describe(&self) -> UtoipaMethodRouter<Context> {
        (self.describe)()
    }
}
