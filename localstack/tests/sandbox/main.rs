//! The sandbox against `whatsapp-rust`, a client that knows nothing of it.
#![cfg(feature = "sandbox")]

mod net;
mod process;

mod addressing;
mod faults;
mod groups;
mod kill;
mod linking;
mod messages;
mod restart;
mod retry;
mod sockets;
