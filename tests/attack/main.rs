//! Attacks on a running gateway, each bounded in time and size: a file per attacker.

mod credentials;
mod large_events;
mod password_floods;
mod password_guesses;
mod races;
mod receivers;
mod refusals;
mod starving_tenant;
