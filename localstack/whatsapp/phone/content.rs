//! What a message says, and its padding.

use prost::Message;
use rand::RngExt;

use crate::whatsapp::proto::Content;

/// Encodes and pads: one to sixteen bytes, each the number of them.
pub fn pad(content: &[u8]) -> Vec<u8> {
    let padding: u8 = rand::rng().random_range(1..=16);
    let mut padded = content.to_vec();
    padded.resize(content.len() + usize::from(padding), padding);
    padded
}

/// Takes the padding off and decodes.
pub fn unpad(padded: &[u8]) -> Option<(Content, Vec<u8>)> {
    let padding = usize::from(*padded.last()?);
    let content = padded.get(..padded.len().checked_sub(padding)?)?;
    Some((Content::decode(content).ok()?, content.to_vec()))
}

/// The kind of a message and what there is to read. `None` for messages that no person sees.
pub fn kind_and_body(content: &Content) -> Option<(&'static str, Option<String>)> {
    if let Some(text) = &content.conversation {
        return Some(("text", Some(text.clone())));
    }
    if let Some(text) = &content.extended_text {
        return Some(("text", text.text.clone()));
    }
    if let Some(image) = &content.image {
        return Some(("image", image.caption.clone()));
    }
    if let Some(reaction) = &content.reaction {
        return Some(("reaction", reaction.text.clone()));
    }
    let kind = if content.video.is_some() {
        "video"
    } else if content.audio.is_some() {
        "audio"
    } else if content.document.is_some() {
        "document"
    } else if content.sticker.is_some() {
        "sticker"
    } else if content.location.is_some() {
        "location"
    } else if content.contact.is_some() {
        "contact"
    } else if content.protocol.is_some() || content.sender_key.is_some() {
        return None;
    } else {
        "unknown"
    };
    Some((kind, None))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn padding_comes_off(text in ".{0,200}") {
            let content = Content { conversation: Some(text), ..Default::default() };
            let (read, _) = unpad(&pad(&content.encode_to_vec())).unwrap();
            prop_assert_eq!(read, content);
        }

        #[test]
        fn garbage_is_refused_quietly(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = unpad(&data);
        }
    }
}
