//! SQS: the send and command queues, one of each for every shard, and their versioned payloads.

pub mod payloads;
mod queues;
mod sqs;

pub use queues::create_missing;
pub use sqs::{QueueError, QueueKind, Queues, Received};
