//! SQS: the send and command queues, one of each for every shard, those of events and of webhook calls, and
//! their versioned payloads.

pub mod payloads;
mod queues;
mod sealed;
mod sqs;

pub use queues::create_missing;
pub(crate) use queues::shards;
pub use sealed::OfTenant;
pub use sqs::{Depth, LONGEST_DELAY, QueueError, QueueKind, Queues, Received};
