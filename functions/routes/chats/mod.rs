//! `/v1/devices/{id}/chats`

pub(super) mod history;
pub(super) mod list;
