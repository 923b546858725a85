//! Events: as they come, and as a list.

mod frames;
pub mod history;
pub mod stream;
