//! What is sent: a lane for each device, one message at a time, paced.
//!
//! - [`lane`]: takes a device's messages in their turn and sends them;
//! - `backlog`: what a lane has in hand, in the order in which it is to go;
//! - `ledger`: what a lane remembers beyond this process;
//! - `entries`: a shard's queue entries in hand, extended, deleted and given back many at a time;
//! - `progress`: what becomes of messages, written down;
//! - `outcome`: which failures are for good.

mod backlog;
mod entries;
pub(crate) mod lane;
mod ledger;
mod outcome;
mod progress;

pub(crate) use backlog::Job;
pub(crate) use entries::{Entries, Entry};
pub(crate) use outcome::slowdown;
pub(crate) use progress::Progress;
