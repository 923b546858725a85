//! Phone numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phone number in E.164, without the plus sign: the form that WhatsApp's JIDs hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// The text is no phone number with a country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number in international form, like +6281234567890")]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// Reads a number in international form, with or without `+`; spaces, dots, dashes and brackets
    /// between the digits are passed over. Whether it can exist is judged by the public numbering
    /// plans (length and known country), not by whether WhatsApp knows it.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let text = text.trim();
        let text = text.strip_prefix('+').unwrap_or(text);
        if !text.chars().all(|c| c.is_ascii_digit() || " .-()".contains(c)) {
            return Err(PhoneNumberError);
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
            return Err(PhoneNumberError);
        }
        phonenumber::parse(None, format!("+{digits}")).map_err(|_| PhoneNumberError)?;
        Ok(Self(digits))
    }

    /// The digits, country code first.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneNumberError;
    fn try_from(text: String) -> Result<Self, PhoneNumberError> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn international_numbers_are_read_in_the_forms_people_write() {
        for text in ["+6281234567890", "6281234567890", "+62 812-3456-7890", " +62 (812) 3456.7890 "] {
            assert_eq!(PhoneNumber::parse(text).unwrap().digits(), "6281234567890", "{text}");
        }
        for bad in ["", "+", "12", "081234567890", "+62abc", "+999999999999999999", "6281234567890@x"] {
            assert!(PhoneNumber::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".*") {
            let _ = PhoneNumber::parse(&text);
        }
    }
}
