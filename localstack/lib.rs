//! Everything that stands in for the cloud on one machine.

#[cfg(feature = "sandbox")]
pub mod whatsapp;
