//! What is kept on disk. The same structs are what the sandbox works with in memory; one row is
//! rewritten whenever its struct changes.

use prost::Message;

/// The sandbox's own keys, all private halves of 32 bytes.
#[derive(Clone, PartialEq, Message)]
pub struct ServerRow {
    #[prost(bytes = "vec", tag = "1")]
    pub root: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub intermediate: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub noise: Vec<u8>,
}

/// An account and the keys of its phone.
#[derive(Clone, PartialEq, Message)]
pub struct AccountRow {
    #[prost(string, tag = "1")]
    pub number: String,
    #[prost(string, tag = "2")]
    pub lid: String,
    #[prost(string, tag = "3")]
    pub name: String,
    /// Whether its messages arrive under the LID rather than the number.
    #[prost(bool, tag = "4")]
    pub by_lid: bool,
    #[prost(bytes = "vec", tag = "5")]
    pub identity: Vec<u8>,
    #[prost(uint32, tag = "6")]
    pub registration_id: u32,
    #[prost(uint32, tag = "7")]
    pub skey_id: u32,
    #[prost(bytes = "vec", tag = "8")]
    pub skey: Vec<u8>,
    #[prost(bytes = "vec", tag = "9")]
    pub skey_signature: Vec<u8>,
    #[prost(uint32, tag = "10")]
    pub next_prekey: u32,
    #[prost(uint32, tag = "11")]
    pub next_device: u32,
    /// Names this incarnation of the account in its device lists.
    #[prost(uint32, tag = "12")]
    pub raw_id: u32,
    /// Seconds since 1970 of the last change of the device list.
    #[prost(int64, tag = "13")]
    pub devices_changed: i64,
    #[prost(bytes = "vec", tag = "14")]
    pub app_state_key: Vec<u8>,
}

/// A linked client.
#[derive(Clone, PartialEq, Message)]
pub struct CompanionRow {
    #[prost(uint32, tag = "1")]
    pub device: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub noise: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub identity: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub registration_id: Vec<u8>,
    #[prost(message, required, tag = "5")]
    pub skey: SignedKey,
    /// The identity certificate, signed by the account and by the client.
    #[prost(bytes = "vec", tag = "6")]
    pub device_identity: Vec<u8>,
    #[prost(string, tag = "7")]
    pub platform: String,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "8")]
    pub linked_at: i64,
    /// Whether the phone has sent it the keys and the (empty) history of a first login.
    #[prost(bool, tag = "9")]
    pub welcomed: bool,
}

/// A signed prekey as the client uploaded it.
#[derive(Clone, PartialEq, Message)]
pub struct SignedKey {
    #[prost(uint32, tag = "1")]
    pub id: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub signature: Vec<u8>,
}

/// The one-time public keys of a client that are still to be given out.
#[derive(Clone, PartialEq, Message)]
pub struct KeyPoolRow {
    #[prost(uint32, repeated, tag = "1")]
    pub ids: Vec<u32>,
    /// 32 bytes for each id, in the same order.
    #[prost(bytes = "vec", tag = "2")]
    pub values: Vec<u8>,
}

/// The one-time private keys of a phone.
#[derive(Clone, PartialEq, Message)]
pub struct PhoneKeysRow {
    #[prost(message, repeated, tag = "1")]
    pub keys: Vec<PhoneKey>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PhoneKey {
    #[prost(uint32, tag = "1")]
    pub id: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub private: Vec<u8>,
    /// Given out: kept until a message uses it, but not given out again.
    #[prost(bool, tag = "3")]
    pub offered: bool,
}

/// Who asked for the devices of an account, and is told when they change.
#[derive(Clone, PartialEq, Message)]
pub struct WatchersRow {
    #[prost(string, repeated, tag = "1")]
    pub addresses: Vec<String>,
}

/// A stanza that a client has not acknowledged.
#[derive(Clone, PartialEq, Message)]
pub struct QueuedRow {
    #[prost(string, tag = "1")]
    pub class: String,
    #[prost(string, tag = "2")]
    pub id: String,
    /// The encoded node.
    #[prost(bytes = "vec", tag = "3")]
    pub node: Vec<u8>,
}

/// A message as its phone shows it.
#[derive(Clone, PartialEq, Message)]
pub struct MessageRow {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(bool, tag = "2")]
    pub outgoing: bool,
    /// The sender's number and device.
    #[prost(string, tag = "3")]
    pub from: String,
    #[prost(uint32, tag = "4")]
    pub from_device: u32,
    #[prost(string, tag = "5")]
    pub from_lid: String,
    /// The number of the other side, or a group's JID.
    #[prost(string, tag = "6")]
    pub to: String,
    #[prost(string, tag = "7")]
    pub kind: String,
    #[prost(string, optional, tag = "8")]
    pub body: Option<String>,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "9")]
    pub timestamp: i64,
    #[prost(enumeration = "Status", tag = "10")]
    pub status: i32,
    /// How many times it arrived.
    #[prost(uint32, tag = "11")]
    pub copies: u32,
    /// What it says, without padding or the envelope of an own device's copy, to be sealed again on a retry.
    #[prost(bytes = "vec", tag = "12")]
    pub content: Vec<u8>,
}

impl MessageRow {
    /// What tells it from all others of its phone.
    pub fn key(&self) -> MessageKey {
        let chat = if self.outgoing || self.is_in_group() { &self.to } else { &self.from };
        MessageKey { chat: chat.clone(), author: self.from.clone(), id: self.id.clone() }
    }

    pub fn is_in_group(&self) -> bool {
        self.to.ends_with("@g.us")
    }
}

/// What tells a message of a phone from all others: senders choose ids by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageKey {
    /// The number of the other side, or a group's JID.
    pub chat: String,
    /// The sender's number.
    pub author: String,
    pub id: String,
}

/// How far a message has come. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Status {
    Sent = 0,
    Delivered = 1,
    Read = 2,
}

/// A group.
#[derive(Clone, PartialEq, Message)]
pub struct GroupRow {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub subject: String,
    /// Numbers; the first is the creator.
    #[prost(string, repeated, tag = "3")]
    pub members: Vec<String>,
    /// Seconds since 1970.
    #[prost(int64, tag = "4")]
    pub created: i64,
}

/// The names of rows. Numbers within them are padded so that rows read back in order.
pub mod keys {
    use crate::whatsapp::address::Address;

    pub const SERVER: &str = "server";

    pub fn account(number: &str) -> String {
        format!("account/{number}")
    }

    pub fn companion(at: &Address) -> String {
        format!("companion/{}/{}", at.number, at.device)
    }

    pub fn key_pool(at: &Address) -> String {
        format!("keys/{}/{}", at.number, at.device)
    }

    pub fn phone_keys(number: &str) -> String {
        format!("phone-keys/{number}")
    }

    pub fn watchers(number: &str) -> String {
        format!("watchers/{number}")
    }

    pub fn queued(at: &Address, seq: u64) -> String {
        format!("queue/{}/{}/{seq:020}", at.number, at.device)
    }

    pub fn message(number: &str, position: usize) -> String {
        format!("message/{number}/{position:020}")
    }

    pub fn session(number: &str, peer: &str) -> String {
        format!("session/{number}/{peer}")
    }

    pub fn sender_key(number: &str, name: &str) -> String {
        format!("sender-key/{number}/{name}")
    }

    pub fn group(id: &str) -> String {
        format!("group/{id}")
    }
}
