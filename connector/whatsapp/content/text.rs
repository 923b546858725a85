//! Plain text.

use shared::domain::content::{Content, Text};
use whatsapp_rust::{
    prelude::{MessageBuilderExt, wa::Message},
    proto_helpers::MessageExt,
};

pub(super) fn from_wire(message: &Message) -> Option<Content> {
    message.text_content().map(Content::text)
}

pub(super) fn to_wire(text: &Text) -> Message {
    Message::text(&*text.body)
}
