//! The native API: a folder per resource, a file per endpoint. Here, which function serves what.

mod admin;
mod api_keys;
mod audit_log;
mod auth;
mod chats;
mod commands;
mod dead_letters;
mod description;
mod devices;
mod events;
mod health;
mod listing;
mod me;
mod members;
mod messages;
mod plans;
mod queue;
mod set_aside;
mod tenant;
mod usage;
mod webhooks;
mod workers;

use crate::route::Route;

/// Registration, login, tokens.
pub fn auth() -> Vec<Route> {
    vec![
        auth::register::route(),
        auth::login::route(),
        auth::refresh::route(),
        auth::logout::route(),
        auth::logout_all::route(),
        auth::accept_invitation::route(),
    ]
}

/// The caller's account with its API keys and limits; its tenant and members; what administrators do.
pub fn accounts() -> Vec<Route> {
    vec![
        me::get::route(),
        me::change::route(),
        me::password::route(),
        api_keys::create::route(),
        api_keys::list::route(),
        api_keys::revoke::route(),
        plans::route(),
        usage::route(),
        tenant::get::route(),
        tenant::change::route(),
        members::create::route(),
        members::list::route(),
        members::change::route(),
        members::delete::route(),
        admin::tenants::create::route(),
        admin::tenants::list::route(),
        admin::tenants::get::route(),
        admin::tenants::change::route(),
        admin::tenants::delete::route(),
        admin::tenants::erasure::route(),
        audit_log::route(),
        workers::drain::route(),
    ]
}

/// Devices and their links; those of all tenants.
pub fn devices() -> Vec<Route> {
    vec![
        devices::create::route(),
        devices::list::route(),
        devices::get::route(),
        devices::change::route(),
        devices::delete::route(),
        devices::connect::route(),
        devices::disconnect::route(),
        devices::logout::route(),
        devices::qr::route(),
        devices::pairing_code::route(),
        devices::pause::route(),
        devices::resume::route(),
        admin::devices::route(),
    ]
}

/// Sending, single messages, queues, and what failed for good.
pub fn messages() -> Vec<Route> {
    vec![
        messages::send::route(),
        messages::get::route(),
        messages::cancel::route(),
        queue::get::route(),
        queue::clear::route(),
        dead_letters::list::route(),
        dead_letters::get::route(),
        dead_letters::redrive::route(),
    ]
}

/// What is only read: chats, history, answers of commands, health, connectors, the API's description.
pub fn queries() -> Vec<Route> {
    vec![
        chats::list::route(),
        chats::history::route(),
        events::history::route(),
        commands::get::route(),
        health::route(),
        workers::list::route(),
        set_aside::route(),
        description::openapi::route(),
        description::page::route(),
        description::root::route(),
    ]
}

/// Events as they happen: a function that streams its answers.
pub fn events() -> Vec<Route> {
    vec![events::stream::route()]
}

/// Where events are sent to, and what came of it.
pub fn webhooks() -> Vec<Route> {
    vec![
        webhooks::create::route(),
        webhooks::list::route(),
        webhooks::get::route(),
        webhooks::change::route(),
        webhooks::delete::route(),
        webhooks::test::route(),
        webhooks::rotate_secret::route(),
        webhooks::deliveries::route(),
        webhooks::redeliver::route(),
        webhooks::replay::route(),
    ]
}

/// The functions that serve HTTP, by their names in `infra/functions.json`, each with its routes.
pub fn by_function() -> [(&'static str, Vec<Route>); 7] {
    [
        ("auth", auth()),
        ("accounts", accounts()),
        ("devices", devices()),
        ("messages", messages()),
        ("queries", queries()),
        ("events", events()),
        ("webhooks", webhooks()),
    ]
}

/// Every route of every function.
pub fn all() -> Vec<Route> {
    by_function().into_iter().flat_map(|(_, routes)| routes).collect()
}
