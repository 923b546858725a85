//! How long messages and chats are kept: as the plan says (docs/adr/0024). New rows know it when they are
//! written; when a plan changes, a pass in the background brings what is stored under the new rule.

mod apply;
mod known;

pub use apply::{Round, changed, run};
pub use known::Retentions;
