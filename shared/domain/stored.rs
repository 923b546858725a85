//! Words in rows that a newer version wrote. A row is worth reading although one of its words is not known: each such
//! word is taken for one that does no harm.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IntoDeserializer, value},
};

/// An enum that is stored as one of several words.
pub(crate) trait Word: DeserializeOwned {
    /// What an unknown word is taken for.
    const UNKNOWN: Self;
}

/// For `deserialize_with`: a word, or what an unknown one is taken for.
pub(crate) fn word<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<T, D::Error> {
    Ok(known(String::deserialize(deserializer)?).unwrap_or(T::UNKNOWN))
}

/// The same for a word that may be missing: an unknown one is taken for a missing one.
pub(crate) fn optional_word<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(known))
}

fn known<T: DeserializeOwned>(word: String) -> Option<T> {
    let deserializer: value::StringDeserializer<value::Error> = word.into_deserializer();
    T::deserialize(deserializer).ok()
}

/// Remembers an unknown name for as long as the process runs, so that types that hold one stay as cheap to copy as
/// those that hold a known one. `None` when it is too long, or when there are so many that something else must be
/// wrong.
pub(crate) fn remembered(name: &str) -> Option<&'static str> {
    const MAX_NAMES: usize = 256;
    const MAX_BYTES: usize = 64;
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= MAX_NAMES || name.len() > MAX_BYTES {
        return None;
    }
    let name: &'static str = Box::leak(name.into());
    names.insert(name);
    Some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Blue,
    }

    impl Word for Color {
        const UNKNOWN: Self = Self::Blue;
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        #[serde(deserialize_with = "word")]
        color: Color,
        #[serde(default, deserialize_with = "optional_word")]
        border: Option<Color>,
    }

    #[test]
    fn unknown_words_do_not_keep_a_row_from_being_read() {
        let read = |json| serde_json::from_value::<Row>(json).unwrap();
        assert_eq!(read(json!({"color": "red"})), Row { color: Color::Red, border: None });
        let newer = read(json!({"color": "ultraviolet", "border": "infrared"}));
        assert_eq!(newer, Row { color: Color::Blue, border: None });
        assert_eq!(read(json!({"color": "red", "border": "red"})).border, Some(Color::Red));
        assert!(serde_json::from_value::<Row>(json!({"color": 7})).is_err());
    }

    #[test]
    fn a_name_is_remembered_once_and_none_that_is_too_long() {
        let (one, again) = (remembered("chat.archived").unwrap(), remembered("chat.archived").unwrap());
        assert!(std::ptr::eq(one, again));
        assert_eq!(remembered(&"x".repeat(65)), None);
    }
}
