//! The API over HTTP: a file per resource, as the routes are.

mod api_keys;
mod auth;
mod bad_input;
mod devices;
mod health;
mod isolation;
mod me;
mod messages;
mod process;
