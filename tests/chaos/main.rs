//! Faults that sends survive, over real processes: three connectors share the devices while connectors die,
//! freeze and are replaced, and while DynamoDB, SQS and WhatsApp misbehave. Every accepted message arrives, in
//! the order of its chat, once.
//!
//! Chance follows from a seed, which each test prints; KURIR_CHAOS_SEED sets it.

mod stage;

mod aws_misbehaves;
mod aws_refuses;
mod capacity;
mod freeze;
mod kill;
mod rolling_restart;
mod whatsapp_misbehaves;
