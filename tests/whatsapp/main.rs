//! Kurir and WhatsApp: devices of a gateway, phones of the sandbox.

mod inbound;
mod linking;
mod outbound;
mod production_build;
mod restart;
