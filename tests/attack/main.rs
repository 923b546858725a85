//! Attacks on a running gateway, each bounded in time and size: a file per attacker.

mod local_user;
mod sockets;
mod tenant;
mod web_page;
