//! JIDs: WhatsApp's addresses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::phone::PhoneNumber;

/// Where a chat is: a person by phone number, a person by LID (the identity that hides the number),
/// or a group. Without a device part: chats are with people, not with their devices.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Jid {
    user: String,
    server: Server,
}

/// The part of a JID behind the `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// `s.whatsapp.net`: a phone number.
    Phone,
    /// `lid`: a person whose number is hidden.
    Lid,
    /// `g.us`: a group.
    Group,
}

/// The text is no JID that Kurir can send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither a phone number in international form nor a JID ending in @s.whatsapp.net, @lid, @g.us or @c.us"
)]
pub struct JidError;

impl Jid {
    /// The JID of a phone number.
    pub fn phone(number: &PhoneNumber) -> Self {
        Self { user: number.digits().into(), server: Server::Phone }
    }

    /// Reads a recipient: an E.164 number or a JID. `@c.us` is the older spelling of
    /// `@s.whatsapp.net`; a device part (`:3`) is dropped.
    pub fn parse_recipient(text: &str) -> Result<Self, JidError> {
        let text = text.trim();
        let Some((user, server)) = text.split_once('@') else {
            return PhoneNumber::parse(text).map(|n| Self::phone(&n)).map_err(|_| JidError);
        };
        let (user, device) = user.split_once(':').unwrap_or((user, ""));
        if !device.chars().all(|c| c.is_ascii_digit()) {
            return Err(JidError);
        }
        let digits = |text: &str| (1..=20).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
        match server {
            "s.whatsapp.net" | "c.us" if digits(user) => {
                PhoneNumber::parse(user).map(|n| Self::phone(&n)).map_err(|_| JidError)
            }
            "lid" if digits(user) => Ok(Self { user: user.into(), server: Server::Lid }),
            // Old group ids have the creator's number and a time with a dash between.
            "g.us" if user.len() <= 40 && !user.is_empty() && user.split('-').all(digits) => {
                Ok(Self { user: user.into(), server: Server::Group })
            }
            _ => Err(JidError),
        }
    }

    /// The part before the `@`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What kind of address it is.
    pub fn server(&self) -> Server {
        self.server
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = match self.server {
            Server::Phone => "s.whatsapp.net",
            Server::Lid => "lid",
            Server::Group => "g.us",
        };
        write!(f, "{}@{server}", self.user)
    }
}

impl FromStr for Jid {
    type Err = JidError;
    fn from_str(text: &str) -> Result<Self, JidError> {
        Self::parse_recipient(text)
    }
}

impl TryFrom<String> for Jid {
    type Error = JidError;
    fn try_from(text: String) -> Result<Self, JidError> {
        text.parse()
    }
}

impl From<Jid> for String {
    fn from(jid: Jid) -> Self {
        jid.to_string()
    }
}

/// Who somebody is: by phone number, by LID, or both. WhatsApp tells one or the other, and at times
/// how they belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `…@s.whatsapp.net`, when known.
    pub phone: Option<Jid>,
    /// `…@lid`, when known.
    pub lid: Option<Jid>,
}

impl Identity {
    /// The one that a chat goes by: the phone number when it is known.
    pub fn preferred(&self) -> Option<&Jid> {
        self.phone.as_ref().or(self.lid.as_ref())
    }
}

impl From<Jid> for Identity {
    fn from(jid: Jid) -> Self {
        match jid.server {
            Server::Lid => Self { phone: None, lid: Some(jid) },
            _ => Self { phone: Some(jid), lid: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recipients_are_read_in_every_documented_form() {
        let phone = "6281234567890@s.whatsapp.net";
        for text in [
            "+6281234567890",
            "6281234567890@s.whatsapp.net",
            "6281234567890@c.us",
            "6281234567890:7@s.whatsapp.net",
        ] {
            assert_eq!(text.parse::<Jid>().unwrap().to_string(), phone, "{text}");
        }
        assert_eq!("123456789@lid".parse::<Jid>().unwrap().server(), Server::Lid);
        assert_eq!("120363000000000001@g.us".parse::<Jid>().unwrap().server(), Server::Group);
        assert_eq!("6281234-1600000000@g.us".parse::<Jid>().unwrap().server(), Server::Group);
        for bad in ["", "abc", "@s.whatsapp.net", "x@lid", "1@broadcast", "1@g.us@g.us", "1:x@lid", "-@g.us"]
        {
            assert!(bad.parse::<Jid>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_reads_back_the_same(text in "[0-9:@+.a-z-]{0,40}") {
            if let Ok(jid) = text.parse::<Jid>() {
                prop_assert_eq!(jid.to_string().parse::<Jid>().unwrap(), jid);
            }
        }
    }
}
