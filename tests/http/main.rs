//! The API over HTTP: a file per resource, as the routes are.

mod access;
mod api_keys;
mod audit_log;
mod auth;
mod bad_input;
mod description;
mod devices;
mod health;
mod hygiene;
mod isolation;
mod me;
mod messages;
mod process;
mod quotas;
mod signing_keys;
mod users;
