//! What unit tests stand on: DynamoDB and SQS within the process, and a WhatsApp that does what the test says. No
//! request leaves the process, so that tests may pause the time: what waits for hours takes milliseconds.

mod clock;
mod cloud;
mod stage;
mod whatsapp;

pub(crate) use cloud::Cloud;
pub(crate) use stage::{Stage, recipient, unlimited};
pub(crate) use whatsapp::{FakeConnection, FakeWhatsApp, NUMBER, linked_to};
