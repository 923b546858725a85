//! What arrives: stored first, then acknowledged.

mod contacts;
mod inbox;

pub(crate) use contacts::KnownContacts;
pub(crate) use inbox::DeviceInbox;
