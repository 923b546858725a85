//! Framing: each frame is a three-byte big-endian length and as many bytes. WebSocket messages do
//! not line up with frames, so bytes are gathered here.

use bytes::{Buf, Bytes, BytesMut};

use crate::whatsapp::error::SandboxError;

/// What the first frame is preceded by: "WA" and the versions of the protocol and of the dictionary.
pub const HEADER: [u8; 4] = *b"WA\x06\x03";
/// What precedes the header on a reconnect, before a length and the routing info.
const ROUTING: [u8; 4] = *b"ED\x00\x01";
/// Larger frames than this are taken for noise; the length field would allow 16 MiB.
const MAX_FRAME: usize = 8 * 1024 * 1024;

/// Gathers bytes into frames. The connection's header is taken off first.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: BytesMut,
    header_read: bool,
    routing_info: Option<Bytes>,
}

impl FrameReader {
    /// Adds what arrived.
    pub fn feed(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The routing info that the client sent back, if it did.
    pub fn routing_info(&self) -> Option<&Bytes> {
        self.routing_info.as_ref()
    }

    /// The next whole frame, or `None` when more bytes are needed.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, SandboxError> {
        if !self.header_read && !self.read_header()? {
            return Ok(None);
        }
        Ok(self.read_prefixed()?.filter(|frame| !frame.is_empty()))
    }

    fn read_header(&mut self) -> Result<bool, SandboxError> {
        if self.routing_info.is_none() && self.buffer.starts_with(&ROUTING) {
            if self.buffer.len() < 7 {
                return Ok(false);
            }
            let len = length(&self.buffer[4..7]);
            if self.buffer.len() < 7 + len {
                return Ok(false);
            }
            self.buffer.advance(7);
            self.routing_info = Some(self.buffer.split_to(len).freeze());
        }
        let seen = self.buffer.len().min(HEADER.len());
        let routing_may_come = self.routing_info.is_none() && ROUTING.starts_with(&self.buffer[..seen]);
        if self.buffer[..seen] != HEADER[..seen] && !routing_may_come {
            return Err(SandboxError::Protocol("the connection does not start with WA 6 3"));
        }
        if seen < HEADER.len() || routing_may_come {
            return Ok(false);
        }
        self.buffer.advance(HEADER.len());
        self.header_read = true;
        Ok(true)
    }

    fn read_prefixed(&mut self) -> Result<Option<Bytes>, SandboxError> {
        if self.buffer.len() < 3 {
            return Ok(None);
        }
        let len = length(&self.buffer[..3]);
        if len > MAX_FRAME {
            return Err(SandboxError::Protocol("a frame is too large"));
        }
        if self.buffer.len() < 3 + len {
            return Ok(None);
        }
        self.buffer.advance(3);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }
}

fn length(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte))
}

/// Puts the length before a frame.
pub fn encode(frame: &[u8]) -> Vec<u8> {
    // A frame of the server is far below 16 MiB, so the length fits in three bytes.
    let len = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&len[1..], frame].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 1..6),
            routing in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
            cut in 1usize..40,
        ) {
            let mut wire = Vec::new();
            if let Some(info) = &routing {
                wire.extend_from_slice(&ROUTING);
                wire.extend_from_slice(&encode(info));
            }
            wire.extend_from_slice(&HEADER);
            for frame in &frames {
                wire.extend_from_slice(&encode(frame));
            }
            let mut reader = FrameReader::default();
            let mut read = Vec::new();
            for piece in wire.chunks(cut) {
                reader.feed(piece);
                while let Some(frame) = reader.next_frame().unwrap() {
                    read.push(frame.to_vec());
                }
            }
            prop_assert_eq!(read, frames);
            prop_assert_eq!(reader.routing_info().map(|info| info.to_vec()), routing);
        }

        #[test]
        fn garbage_never_panics(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = FrameReader::default();
            reader.feed(&data);
            while let Ok(Some(_)) = reader.next_frame() {}
        }
    }

    #[test]
    fn another_protocol_is_refused() {
        let mut reader = FrameReader::default();
        reader.feed(b"GET ");
        assert!(reader.next_frame().is_err());
    }
}
