//! What a protocol message says, as far as Kurir understands it, and how Kurir says it: a file for each kind.

mod text;

use shared::domain::content::Content;
use whatsapp_rust::{
    prelude::MessageField,
    proto_helpers::MessageExt,
    waproto::{
        codec,
        whatsapp::{Message, message::protocol_message},
    },
};

/// `None` when it says nothing to a person: key material, and what devices tell each other.
pub(super) fn from_wire(message: &Message) -> Option<Content> {
    text::from_wire(message).or_else(|| kind_of(message.get_base_message()).map(Content::unsupported))
}

/// `None` for what is not sent by this version.
pub(super) fn to_wire(content: &Content) -> Option<Message> {
    match content {
        Content::Text { text } => Some(text::to_wire(text)),
        Content::Unsupported { .. } => None,
    }
}

/// The protocol's name of what is in a message.
fn kind_of(message: &Message) -> Option<&'static str> {
    if let Some(protocol) = message.protocol_message.as_option() {
        return match protocol.r#type {
            Some(protocol_message::Type::REVOKE) => Some("revoke"),
            Some(protocol_message::Type::MESSAGE_EDIT) => Some("edit"),
            _ => None,
        };
    }
    macro_rules! first_set {
        ($($field:ident => $kind:literal),* $(,)?) => {
            $(if message.$field.is_set() { return Some($kind); })*
        };
    }
    first_set! {
        image_message => "image",
        video_message => "video",
        ptv_message => "video",
        audio_message => "audio",
        document_message => "document",
        sticker_message => "sticker",
        lottie_sticker_message => "sticker",
        sticker_pack_message => "sticker_pack",
        location_message => "location",
        live_location_message => "live_location",
        contact_message => "contact",
        contacts_array_message => "contacts",
        reaction_message => "reaction",
        enc_reaction_message => "reaction",
        poll_creation_message => "poll",
        poll_creation_message_v2 => "poll",
        poll_creation_message_v3 => "poll",
        poll_creation_message_v4 => "poll",
        poll_creation_message_v5 => "poll",
        poll_creation_message_v6 => "poll",
        poll_update_message => "poll_vote",
        event_message => "event",
        buttons_message => "buttons",
        buttons_response_message => "buttons_response",
        list_message => "list",
        list_response_message => "list_response",
        template_message => "template",
        template_button_reply_message => "template_reply",
        interactive_message => "interactive",
        interactive_response_message => "interactive_response",
        group_invite_message => "group_invite",
        product_message => "product",
        order_message => "order",
        album_message => "album",
        pin_in_chat_message => "pin",
        keep_in_chat_message => "keep",
        edited_message => "edit",
        secret_encrypted_message => "encrypted",
        comment_message => "comment",
        call => "call",
    }
    let without_key_material = Message {
        sender_key_distribution_message: MessageField::default(),
        fast_ratchet_key_sender_key_distribution_message: MessageField::default(),
        message_context_info: MessageField::default(),
        ..message.clone()
    };
    (codec::message_encoded_len(&without_key_material) > 0).then_some("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use whatsapp_rust::{
        prelude::MessageBuilderExt,
        waproto::whatsapp::{self as wa, message},
    };

    fn kind(kind: &str) -> Option<Content> {
        Some(Content::unsupported(kind))
    }

    #[test]
    fn text_is_found_in_every_wrapping() {
        let text = Some(Content::text("halo"));
        let plain = Message::text("halo");
        assert_eq!(from_wire(&plain), text);
        let extended = Message::text_with_context("halo", wa::ContextInfo::default());
        assert_eq!(from_wire(&extended), text);
        let from_own_phone = Message {
            device_sent_message: MessageField::some(message::DeviceSentMessage {
                message: MessageField::some(plain),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(from_wire(&from_own_phone), text);
    }

    #[test]
    fn what_is_sent_is_understood_by_who_gets_it() {
        let content = Content::text("Halo \u{1f44b}");
        assert_eq!(from_wire(&to_wire(&content).unwrap()), Some(content));
        assert_eq!(to_wire(&Content::unsupported("image")), None);
    }

    #[test]
    fn what_kurir_cannot_show_is_named() {
        let image = Message { image_message: MessageField::some(Default::default()), ..Default::default() };
        assert_eq!(from_wire(&image), kind("image"));
        let revoke =
            message::ProtocolMessage { r#type: Some(protocol_message::Type::REVOKE), ..Default::default() };
        assert_eq!(
            from_wire(&Message { protocol_message: MessageField::some(revoke), ..Default::default() }),
            kind("revoke")
        );
        let unheard_of =
            Message { payment_invite_message: MessageField::some(Default::default()), ..Default::default() };
        assert_eq!(from_wire(&unheard_of), kind("other"));
    }

    #[test]
    fn what_devices_tell_each_other_is_not_a_message() {
        assert_eq!(from_wire(&Message::default()), None);
        let keys = Message {
            sender_key_distribution_message: MessageField::some(Default::default()),
            ..Default::default()
        };
        assert_eq!(from_wire(&keys), None);
        let history = message::ProtocolMessage {
            r#type: Some(protocol_message::Type::HISTORY_SYNC_NOTIFICATION),
            ..Default::default()
        };
        assert_eq!(
            from_wire(&Message { protocol_message: MessageField::some(history), ..Default::default() }),
            None
        );
    }
}
