//! What the end-to-end tests share: a gateway as a process of its own, and a client of its API.
//!
//! The programs under test must be built first; `tests/run` does so.

mod api;
mod aws;
mod aws_proxy;
pub mod contract;
mod described;
mod endpoints;
mod fleet;
mod gateway;
mod http_client;
mod ledger;
mod programs;
mod receiver;
pub mod signals;
mod sse;
mod tokens;
mod wait;

pub use api::{Answer, Api};
pub use aws::Aws;
pub use aws_proxy::{AwsProxy, Counts, Misbehaviour, Refusal, Refused, Units};
pub use described::{description, example, filled, operation};
pub use endpoints::Endpoints;
pub use fleet::{Fleet, Linked, Load, Progress};
pub use gateway::{Gateway, Phone};
pub use http_client::http_client;
pub use ledger::{Accepted, Arrived, Ledger};
pub use programs::{program, programs};
pub use receiver::{Answers, Call, Receiver};
pub use sse::{EventStream, Said};
pub use tokens::signing_key;
pub use wait::{PATIENCE, eventually, in_seconds, within};
