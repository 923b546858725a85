//! Kurir and WhatsApp: devices of a gateway, phones of the sandbox.

mod at_rest;
mod device_lists;
mod events;
mod inbound;
mod linking;
mod outbound;
mod ownership;
mod production_build;
mod queue;
mod receipts;
mod relinking;
mod restart;
