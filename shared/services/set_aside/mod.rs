//! What could never be done and was passed over, where an operator sees it (docs/adr/0023).

mod keep;
mod list;

pub use keep::{Keeper, PassedOver};
pub use list::list;
