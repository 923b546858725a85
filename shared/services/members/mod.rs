//! The members of a tenant, as its owners manage them.

mod change;
mod create;
mod delete;
mod find;
mod list;

pub use change::{MemberChange, change};
pub use create::{MAX_MEMBERS, create};
pub use delete::delete;
pub use list::list;

use super::{Error, ErrorCode, Invalid, Scope};
use crate::{domain::role::Role, store::accounts::Changed};

/// Names the field when a role is more than who gives it has.
fn check_role(invalid: &mut Invalid, scope: &Scope, role: Role) {
    let message = "nobody gives a higher role than they have";
    invalid.unless(role <= scope.role, "role", "role_too_high", message);
}

/// Fails for a member who is trusted with more than the caller.
fn require_above(scope: &Scope, role: Role) -> Result<(), Error> {
    match role <= scope.role {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::Forbidden, "this member has a higher role than the caller")),
    }
}

/// What a change that was not done means to the caller.
fn refused(changed: Changed) -> Result<(), Error> {
    match changed {
        Changed::Done => Ok(()),
        Changed::LastAdmin => Err(Error::new(
            ErrorCode::LastAdmin,
            "the last active administrator must stay; make another first",
        )),
        Changed::LastOwner => {
            Err(Error::new(ErrorCode::LastOwner, "the last active owner must stay; make another first"))
        }
        Changed::Stale => {
            Err(Error::new(ErrorCode::ChangedMeanwhile, "the member changed meanwhile; look again"))
        }
    }
}
