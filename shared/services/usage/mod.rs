//! Plans, and what is used of them.

mod show;

pub use show::{LimitUse, usage};
