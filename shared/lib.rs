//! What every part of Kurir agrees on. Imports point down: `services` → `store`, `queue` → `domain`.

pub mod aws;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod cursor;
pub mod domain;
pub mod failure;
pub mod faults;
pub mod outbound;
pub mod passwords;
pub mod queue;
pub mod secret;
pub mod services;
pub mod store;
pub mod telemetry;
mod version;

pub use version::version;
