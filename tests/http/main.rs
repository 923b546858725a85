//! The API over HTTP: a file per resource, as the routes are.

mod access;
mod admin_devices;
mod admin_tenants;
mod api_keys;
mod audit_log;
mod auth;
mod bad_input;
mod chats;
mod dead_letters;
mod description;
mod devices;
mod events;
mod health;
mod hygiene;
mod isolation;
mod me;
mod members;
mod messages;
mod newer_rows;
mod process;
mod queue;
mod quotas;
mod signing_keys;
mod tenant;
mod webhooks;
mod workers;
