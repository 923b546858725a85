//! The audit log.

mod address;
mod list;
mod record;

pub use address::address;
pub use list::{AuditFilter, list};
pub use record::{NewAuditEntry, record};
