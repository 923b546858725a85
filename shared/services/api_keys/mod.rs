//! API keys: credentials for programs.

mod create;
mod list;
mod revoke;

pub use create::{NewApiKey, create, create_for};
pub use list::list;
pub use revoke::revoke;
