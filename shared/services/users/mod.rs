//! Accounts as administrators see them.

mod change;
mod create;
mod delete;
mod erase;
mod get;
mod list;

pub use change::{UserChange, change};
pub use create::{NewUser, create};
pub use delete::delete;
pub use erase::{erasure, run_erasures};
pub use get::get;
pub use list::{UserFilter, list};

use super::{Error, ErrorCode, Invalid};
use crate::{domain::plan::Plans, store::accounts::Changed};

fn check_plan(invalid: &mut Invalid, plans: &Plans, plan: &str) {
    let names: Vec<&str> = plans.iter().map(|(name, _)| name).collect();
    let message = format!("must be one of {}", names.join(", "));
    invalid.unless(plans.find(plan).is_some(), "plan", "plan_unknown", &message);
}

/// What a change that was not done means to the caller.
fn refused(changed: Changed) -> Result<(), Error> {
    match changed {
        Changed::Done => Ok(()),
        Changed::LastAdmin => Err(Error::new(
            ErrorCode::LastAdmin,
            "the last active administrator must stay; make another first",
        )),
        Changed::Stale => {
            Err(Error::new(ErrorCode::ChangedMeanwhile, "the account changed meanwhile; look again"))
        }
    }
}
