//! What holds for a route.

use shared::{
    domain::{permissions::Permission, plan::Meter},
    services::ErrorCode,
};

use crate::surface::{Place, Surface};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody. A caller with credentials is known all the same.
    Public,
    /// Callers whose role has this permission.
    Needs(Permission),
}

/// What holds for a route.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Who may use it.
    pub access: Access,
    /// What the audit log calls a use, as `<thing>.<verb>`; `None` for what is not logged.
    pub action: Option<&'static str>,
    /// What a use counts as, beside an API call.
    pub(super) meters: &'static [Meter],
    /// Whether the use case counts the use, once it knows that the request is good.
    pub(super) counts_itself: bool,
    /// The API that it is of.
    pub(super) surface: &'static Surface,
    /// Where credentials may stand beside the places that its API has for them.
    pub(super) more_places: &'static [Place],
}

impl Rule {
    /// The rule of a route that only reads.
    pub(super) fn new(access: Access, surface: &'static Surface) -> Self {
        Self { access, action: None, meters: &[], counts_itself: false, surface, more_places: &[] }
    }

    /// Where a request may show its credentials; what stands in an earlier place counts.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        self.surface.places.iter().chain(self.more_places).copied()
    }

    /// The codes that the guard answers with, and whatever else is around each route.
    pub(crate) fn codes(&self) -> Vec<ErrorCode> {
        use ErrorCode::*;
        let mut codes = vec![AddressForbidden, Internal, Unavailable, Misconfigured];
        if matches!(self.access, Access::Needs(_)) {
            // The last two tell of the tenant in `Kurir-Tenant`.
            codes.extend([Unauthenticated, Forbidden, RateLimited, NotFound, ValidationFailed]);
        }
        if self.counts_itself || !self.meters.is_empty() {
            codes.push(QuotaExceeded);
        }
        codes
    }
}
