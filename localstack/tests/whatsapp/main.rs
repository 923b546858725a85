//! The sandbox against `whatsapp-rust`, a client that knows nothing of it.
#![cfg(feature = "sandbox")]

mod net;

mod addressing;
mod faults;
mod groups;
mod linking;
mod messages;
mod restart;
mod retry;
