//! Attacks on a running gateway, each bounded in time and size: a file per attacker.

mod receivers;
mod starving_tenant;
