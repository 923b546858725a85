//! Tenants: as their owners change them, and as the platform's administrators see them.

mod change;
mod create;
mod delete;
mod erase;
mod get;
mod list;

pub use change::{TenantChange, change};
pub use create::{NewTenant, create};
pub use delete::delete;
pub use erase::{erasure, run_erasures};
pub use get::get;
pub use list::{TenantFilter, list};

use super::{Error, ErrorCode, Invalid};
use crate::{domain::plan::Plans, store::tenants::Changed};

fn check_plan(invalid: &mut Invalid, plans: &Plans, plan: &str) {
    let names: Vec<&str> = plans.iter().map(|(name, _)| name).collect();
    let message = format!("must be one of {}", names.join(", "));
    invalid.unless(plans.find(plan).is_some(), "plan", "plan_unknown", &message);
}

/// What a change that was not done means to the caller.
fn refused(changed: Changed) -> Result<(), Error> {
    match changed {
        Changed::Done => Ok(()),
        Changed::HasAdmin => Err(Error::new(
            ErrorCode::HasAdministrator,
            "a tenant with an active administrator of the platform stays; demote or remove that one first",
        )),
        Changed::Stale => {
            Err(Error::new(ErrorCode::ChangedMeanwhile, "the tenant changed meanwhile; look again"))
        }
    }
}
