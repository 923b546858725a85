//! What the end-to-end tests share: a gateway as a process of its own, and a client of its API.
//!
//! The programs under test must be built first; `tests/run` does so.

mod api;
mod gateway;
mod programs;
mod tokens;
mod wait;

pub use api::{Answer, Api};
pub use gateway::{Gateway, Phone};
pub use programs::program;
pub use tokens::signing_key;
pub use wait::{PATIENCE, eventually, in_seconds};
