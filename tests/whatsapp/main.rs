//! Kurir and WhatsApp: devices of a gateway, phones of the sandbox.

mod at_rest;
mod contacts;
mod device_lists;
mod events;
mod groups;
mod inbound;
mod linking;
mod lost_sessions;
mod outbound;
mod ownership;
mod production_build;
mod queue;
mod rate_limit;
mod readme;
mod receipts;
mod relinking;
mod restart;
mod restore;
mod retention;
mod set_aside;
