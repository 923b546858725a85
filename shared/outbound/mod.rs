//! The one way to addresses that tenants give: webhooks, and media later. Only public addresses are asked, by
//! the very connection that was checked, without redirects, and for a bounded time and size.

mod addresses;
mod lookup;
mod policy;
mod send;

use std::sync::{Arc, OnceLock};

pub use lookup::{Lookup, SystemLookup};
pub use policy::{Refusal, UrlPolicy};
pub use send::{Reply, Request, SendError};

/// Asks other people's servers. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    policy: UrlPolicy,
    lookup: Arc<dyn Lookup>,
    /// Made at the first request: most functions never make one, and reading the system's certificates takes
    /// time that a starting function has better uses for.
    client: OnceLock<reqwest::Client>,
}

impl Outbound {
    /// With the names that the system knows.
    pub fn new(policy: UrlPolicy) -> Self {
        Self::with_lookup(policy, Arc::new(SystemLookup::default()))
    }

    /// With another source of addresses.
    pub fn with_lookup(policy: UrlPolicy, lookup: Arc<dyn Lookup>) -> Self {
        Self(Arc::new(Inner { policy, lookup, client: OnceLock::new() }))
    }
}

/// Makes ring the crypto provider of this process, unless it has one: needed before the first client of
/// `reqwest` (docs/adr/0002).
pub fn install_ring() {
    // Somebody else was first: as good.
    let _already = rustls::crypto::ring::default_provider().install_default();
}
