//! Chats: conversations of a device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ids::MessageId, jid::Jid, message::Message};
use crate::clock::Timestamp;

/// One conversation of a device, with one contact or group. A contact known by phone number and by LID
/// is one chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// The JID that it goes by: the phone number's when that is known.
    #[serde(rename = "chat")]
    pub jid: Jid,
    /// The contact's LID, when known.
    pub lid: Option<Jid>,
    /// What the contact calls itself, or the group is called.
    pub name: Option<String>,
    /// When the newest message came or was sent.
    pub last_message_at: Timestamp,
    /// The newest message.
    pub last_message_id: MessageId,
    /// Its first characters.
    pub last_message_preview: String,
}

impl Chat {
    /// A chat as it looks with this message as its newest.
    pub fn showing(message: &Message) -> Self {
        Self {
            jid: message.chat.clone(),
            lid: None,
            name: None,
            last_message_at: message.created_at,
            last_message_id: message.id,
            last_message_preview: message.content.preview(),
        }
    }
}
