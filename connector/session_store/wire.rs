//! The fields of an encoded protobuf message, as they lie there: for looking into the library's records
//! without decoding and encoding them, which would lose what is unknown here.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

/// What is left of a message to look through.
pub(super) struct Fields<'a>(pub &'a [u8]);

/// One field.
pub(super) struct Field<'a> {
    pub number: u32,
    /// With its tag.
    pub whole: &'a [u8],
    pub value: Value<'a>,
}

/// What a field holds.
pub(super) enum Value<'a> {
    Varint(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed,
}

/// The bytes are no protobuf message.
pub(super) struct Malformed;

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = self.0;
        if all.is_empty() {
            return None;
        }
        let Some((number, value, left)) = field(all) else {
            self.0 = &[];
            return Some(Err(Malformed));
        };
        self.0 = left;
        Some(Ok(Field { number, whole: &all[..all.len() - left.len()], value }))
    }
}

/// The first field, and what follows.
fn field(bytes: &[u8]) -> Option<(u32, Value<'_>, &[u8])> {
    let (tag, bytes) = varint(bytes)?;
    let number = u32::try_from(tag >> 3).ok()?;
    let (value, left) = match tag & 7 {
        0 => {
            let (value, left) = varint(bytes)?;
            (Value::Varint(value), left)
        }
        1 => (Value::Fixed, bytes.get(8..)?),
        2 => {
            let (length, bytes) = varint(bytes)?;
            let (content, left) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
            (Value::Bytes(content), left)
        }
        5 => (Value::Fixed, bytes.get(4..)?),
        _ => return None,
    };
    Some((number, value, left))
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const LONGEST: usize = 10;
    let mut value = 0;
    for (place, byte) in bytes.iter().take(LONGEST).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(place).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_type_are_found_whole() {
        // 1: 300, 2: "ab", 3: fixed32, 4: fixed64, 100: 5.
        let message = [
            &[0x08, 0xac, 0x02][..],
            &[0x12, 2, b'a', b'b'],
            &[0x1d, 1, 2, 3, 4],
            &[0x21, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0xa0, 0x06, 5],
        ]
        .concat();
        let fields: Vec<_> = Fields(&message).map(|field| field.ok().unwrap()).collect();
        assert_eq!(fields.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 2, 3, 4, 100]);
        assert_eq!(fields.iter().flat_map(|field| field.whole).copied().collect::<Vec<_>>(), message);
        assert!(matches!(fields[0].value, Value::Varint(300)));
        assert!(matches!(fields[1].value, Value::Bytes(b"ab")));
        assert!(matches!(fields[4].value, Value::Varint(5)));
    }

    #[test]
    fn a_message_that_breaks_off_is_malformed() {
        for message in [&[0x08][..], &[0x08, 0x80], &[0x12, 3, b'a'], &[0x1d, 1], &[0x0b], &[0xff; 12]] {
            assert!(Fields(message).any(|field| field.is_err()), "{message:?}");
        }
    }
}
