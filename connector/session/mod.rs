//! Sessions: an actor for each device, which works towards what its owner wants and reports how it goes.

mod actor;
mod connection_events;
mod handle;
mod report;

pub(crate) use handle::{DeviceHandle, Order};
