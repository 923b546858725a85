//! Holds the WhatsApp sockets: drains the send queues, stores what arrives.

pub mod session_store;
pub mod whatsapp;
