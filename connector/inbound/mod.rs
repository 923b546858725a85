//! What arrives: stored first, then acknowledged.

mod contacts;
mod inbox;
mod under_way;

pub(crate) use contacts::KnownContacts;
pub(crate) use inbox::DeviceInbox;
use under_way::UnderWay;
