//! The audit log.

mod list;
mod record;

pub use list::{AuditFilter, list};
pub use record::{Deed, record};
