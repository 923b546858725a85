//! What is sent: a lane for each device, one message at a time, paced.

mod hold;
pub(crate) mod lane;
mod outcome;

pub(crate) use hold::{Hold, InHand};
