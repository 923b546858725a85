//! API keys: credentials for programs.

mod create;
mod list;
mod revoke;

pub use create::{NewApiKey, create};
pub use list::list;
pub use revoke::revoke;
