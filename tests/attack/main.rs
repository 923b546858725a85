//! Attacks on a running gateway, each bounded in time and size: a file per attacker.

mod credentials;
mod large_events;
mod local_user;
mod password_floods;
mod password_guesses;
mod races;
mod receivers;
mod refusals;
mod sockets;
mod starving_tenant;
mod tenant;
mod web_page;
