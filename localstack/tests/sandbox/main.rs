//! The sandbox against `whatsapp-rust`, a client that knows nothing of it.
#![cfg(feature = "sandbox")]

mod net;
mod process;

mod addressing;
mod device_lists;
mod faults;
mod groups;
mod kill;
mod linking;
mod messages;
mod receipts;
mod requests;
mod restart;
mod retry;
mod sockets;
