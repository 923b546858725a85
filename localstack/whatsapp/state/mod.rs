//! The sandbox's state: in memory behind one lock, on disk as rows, changed in transactions.

mod load;
pub mod rows;
pub mod store;
mod transaction;
mod world;

pub use load::load;
pub use transaction::Tx;
pub use world::{Account, Companion, Connection, ConnectionId, World};
