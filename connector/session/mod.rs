//! Sessions: an actor for each device, which works towards what its owner wants and reports how it goes.

mod actor;
mod handle;
mod report;
mod told;

pub(crate) use handle::{DeviceHandle, Order};
