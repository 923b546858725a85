//! Which data goes in which row, and what a row looks like before it is sealed.
//!
//! DynamoDB counts writes in units of 1 KB per row. So what changes together shares a row (the
//! sessions with one person's devices), what changes alone has a small row, and large collections are
//! spread over a fixed number of rows by a hash, so that a bulk change is few rows and a single change
//! a small one.

use bytes::Bytes;
use prost::Message;
use shared::crypto;

/// The most a row's content may have, in bytes: DynamoDB takes 400 KB with keys and names.
pub(super) const MAX_CONTENT: usize = 380 * 1024;

/// Over how many rows a collection is spread.
pub(super) const BUCKETS: u8 = 64;

/// How many one-time prekeys are in a row. WhatsApp Web makes 812 at pairing.
pub(super) const PREKEYS_PER_ROW: u32 = 100;

/// One row of a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowName {
    /// Identity, noise key, registration: the link itself.
    Device,
    /// All sessions and identities of one person's devices: a message goes to all of them.
    Peer(String),
    /// [`PREKEYS_PER_ROW`] one-time prekeys by id. Written once.
    Prekeys(u32),
    /// Which one-time prekeys are used up, so that using one does not rewrite its chunk.
    PrekeysUsed,
    SignedPrekeys,
    SenderKey(String),
    /// Which devices of a group have our sender key.
    GroupDevices(String),
    SyncKeys,
    SyncVersion(String),
    /// A bucket of an app state collection's MACs.
    SyncMacs(String, u8),
    /// A bucket of the mappings between LIDs and phone numbers.
    LidMappings(u8),
    /// A bucket of the device lists of people.
    DeviceLists(u8),
    BaseKey {
        address: String,
        message_id: String,
    },
    GroupMetadata(String),
    TcToken(String),
    /// A few sent messages, kept for resending.
    Sent(u32),
    /// Messages that arrived and are not stored by Kurir yet.
    Pending(u32),
    /// Messages that arrived and could not be opened, and are asked for.
    Missing,
    /// A bucket of message secrets.
    Secrets(u8),
}

/// The kinds of rows, as the sort key begins.
pub(super) mod kind {
    pub(in crate::session_store) const DEVICE: &str = "device";
    pub(in crate::session_store) const PEER: &str = "peer";
    pub(in crate::session_store) const PREKEYS: &str = "prekeys";
    pub(in crate::session_store) const PREKEYS_USED: &str = "prekeys-used";
    pub(in crate::session_store) const SIGNED_PREKEYS: &str = "signed-prekeys";
    pub(in crate::session_store) const SENDER_KEY: &str = "sender-key";
    pub(in crate::session_store) const GROUP_DEVICES: &str = "group-devices";
    pub(in crate::session_store) const SYNC_KEYS: &str = "sync-keys";
    pub(in crate::session_store) const SYNC_VERSION: &str = "sync-version";
    pub(in crate::session_store) const SYNC_MACS: &str = "sync-macs";
    pub(in crate::session_store) const LID_MAPPINGS: &str = "lid-mappings";
    pub(in crate::session_store) const DEVICE_LISTS: &str = "device-lists";
    pub(in crate::session_store) const BASE_KEY: &str = "base-key";
    pub(in crate::session_store) const GROUP_METADATA: &str = "group-metadata";
    pub(in crate::session_store) const TC_TOKEN: &str = "tc-token";
    pub(in crate::session_store) const SENT: &str = "sent";
    pub(in crate::session_store) const PENDING: &str = "pending";
    pub(in crate::session_store) const MISSING: &str = "missing";
    pub(in crate::session_store) const SECRETS: &str = "secrets";
}

impl RowName {
    /// The sort key: the kind, and what tells rows of a kind apart. Names of people and groups appear
    /// as digests only; the row itself says who it is about.
    pub(super) fn sort_key(&self) -> String {
        match self {
            Self::Device => kind::DEVICE.to_owned(),
            Self::PrekeysUsed => kind::PREKEYS_USED.to_owned(),
            Self::SignedPrekeys => kind::SIGNED_PREKEYS.to_owned(),
            Self::SyncKeys => kind::SYNC_KEYS.to_owned(),
            Self::Missing => kind::MISSING.to_owned(),
            Self::Prekeys(number) => numbered(kind::PREKEYS, *number),
            Self::Sent(number) => numbered(kind::SENT, *number),
            Self::Pending(number) => numbered(kind::PENDING, *number),
            Self::LidMappings(bucket) => numbered(kind::LID_MAPPINGS, u32::from(*bucket)),
            Self::DeviceLists(bucket) => numbered(kind::DEVICE_LISTS, u32::from(*bucket)),
            Self::Secrets(bucket) => numbered(kind::SECRETS, u32::from(*bucket)),
            Self::SyncMacs(collection, bucket) => format!("{}#{collection}#{bucket}", kind::SYNC_MACS),
            Self::Peer(name) => digested(kind::PEER, &[name]),
            Self::SenderKey(name) => digested(kind::SENDER_KEY, &[name]),
            Self::GroupDevices(name) => digested(kind::GROUP_DEVICES, &[name]),
            Self::SyncVersion(name) => digested(kind::SYNC_VERSION, &[name]),
            Self::GroupMetadata(name) => digested(kind::GROUP_METADATA, &[name]),
            Self::TcToken(name) => digested(kind::TC_TOKEN, &[name]),
            Self::BaseKey { address, message_id } => digested(kind::BASE_KEY, &[address, message_id]),
        }
    }
}

fn numbered(kind: &str, number: u32) -> String {
    format!("{kind}#{number}")
}

fn digested(kind: &str, parts: &[&str]) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    format!("{kind}#{}", hex::encode(&crypto::digest_of(&parts)[..12]))
}

/// The bucket of something that belongs to a spread collection; the same for ever.
pub(super) fn bucket(name: &str) -> u8 {
    crypto::digest_of(&[name.as_bytes()])[0] % BUCKETS
}

/// The kind of the row with this sort key.
pub(super) fn kind_of(sort_key: &str) -> &str {
    sort_key.split('#').next().unwrap_or_default()
}

/// The number at the end of a sort key.
pub(super) fn number_of(sort_key: &str) -> Option<u32> {
    sort_key.rsplit_once('#')?.1.parse().ok()
}

// The contents. Tags must keep their meaning for ever; new fields get new tags.

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct DeviceRow {
    /// A phone has linked this device.
    #[prost(bool, tag = "1")]
    pub linked: bool,
    /// The library's own form, in JSON, as it may gain fields.
    #[prost(bytes = "bytes", tag = "2")]
    pub json: Bytes,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct PeerRow {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub devices: Vec<PeerDevice>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct PeerDevice {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub identity: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub session: Option<Bytes>,
}

/// A record under a number.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Numbered {
    #[prost(uint32, tag = "1")]
    pub id: u32,
    #[prost(bytes = "bytes", tag = "2")]
    pub record: Bytes,
}

/// Content of `prekeys` and `signed-prekeys`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct NumberedRow {
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<Numbered>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PrekeysUsedRow {
    #[prost(message, repeated, tag = "1")]
    pub chunks: Vec<UsedChunk>,
}

/// One bit for every prekey of a chunk.
#[derive(Clone, PartialEq, Message)]
pub(super) struct UsedChunk {
    #[prost(uint32, tag = "1")]
    pub chunk: u32,
    #[prost(fixed64, tag = "2")]
    pub low: u64,
    #[prost(fixed64, tag = "3")]
    pub high: u64,
}

/// Something opaque under a name: `sender-key` and `group-metadata`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct NamedRow {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub record: Bytes,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct GroupDevicesRow {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(string, repeated, tag = "2")]
    pub with_key: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub without_key: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SyncKeysRow {
    #[prost(message, repeated, tag = "1")]
    pub keys: Vec<SyncKey>,
    /// The id of the key that was stored last.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub latest: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SyncKey {
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub fingerprint: Vec<u8>,
    #[prost(int64, tag = "4")]
    pub timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SyncVersionRow {
    #[prost(string, tag = "1")]
    pub collection: String,
    #[prost(uint64, tag = "2")]
    pub version: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub hash: Vec<u8>,
    #[prost(map = "string, bytes", tag = "4")]
    pub index_value_map: std::collections::HashMap<String, Vec<u8>>,
    #[prost(bool, tag = "5")]
    pub mac_mismatch_fatal: bool,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SyncMacsRow {
    #[prost(string, tag = "1")]
    pub collection: String,
    /// Index MAC and value MAC in turn, 32 bytes each.
    #[prost(bytes = "vec", tag = "2")]
    pub macs: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct LidMappingsRow {
    #[prost(message, repeated, tag = "1")]
    pub mappings: Vec<LidMapping>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct LidMapping {
    #[prost(string, tag = "1")]
    pub lid: String,
    #[prost(string, tag = "2")]
    pub phone_number: String,
    #[prost(int64, tag = "3")]
    pub created_at: i64,
    #[prost(int64, tag = "4")]
    pub updated_at: i64,
    #[prost(string, tag = "5")]
    pub source: String,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct DeviceListsRow {
    #[prost(message, repeated, tag = "1")]
    pub lists: Vec<DeviceList>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct DeviceList {
    #[prost(string, tag = "1")]
    pub user: String,
    #[prost(message, repeated, tag = "2")]
    pub devices: Vec<ListedDevice>,
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
    #[prost(string, optional, tag = "4")]
    pub phash: Option<String>,
    #[prost(uint32, optional, tag = "5")]
    pub raw_id: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct ListedDevice {
    #[prost(uint32, tag = "1")]
    pub device: u32,
    #[prost(uint32, optional, tag = "2")]
    pub key_index: Option<u32>,
    #[prost(bool, tag = "3")]
    pub hosted: bool,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct BaseKeyRow {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(string, tag = "2")]
    pub message_id: String,
    #[prost(bytes = "vec", tag = "3")]
    pub key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct TcTokenRow {
    #[prost(string, tag = "1")]
    pub jid: String,
    #[prost(bytes = "vec", tag = "2")]
    pub token: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub received_at: i64,
    #[prost(int64, optional, tag = "4")]
    pub issued_at: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SentRow {
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<SentMessage>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SentMessage {
    #[prost(string, tag = "1")]
    pub chat: String,
    #[prost(string, tag = "2")]
    pub id: String,
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
    /// Unix time, seconds.
    #[prost(int64, tag = "4")]
    pub stored_at: i64,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct MissingRow {
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<MissingMessage>,
}

/// A message that arrived and could not be opened.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct MissingMessage {
    #[prost(string, tag = "1")]
    pub id: String,
    /// The device that sent it, as a JID.
    #[prost(string, tag = "2")]
    pub sender: String,
    /// To whom, as a JID.
    #[prost(string, tag = "3")]
    pub recipient: String,
    /// When it was sent; unix time, seconds.
    #[prost(int64, tag = "4")]
    pub sent_at: i64,
    /// How often it has been asked for.
    #[prost(uint32, tag = "5")]
    pub asked: u32,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct PendingRow {
    #[prost(message, repeated, tag = "1")]
    pub pieces: Vec<PendingPiece>,
}

/// A message, or a part of a large one.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct PendingPiece {
    #[prost(string, tag = "1")]
    pub chat: String,
    #[prost(string, tag = "2")]
    pub sender: String,
    #[prost(string, tag = "3")]
    pub id: String,
    #[prost(uint32, tag = "4")]
    pub part: u32,
    #[prost(uint32, tag = "5")]
    pub parts: u32,
    #[prost(bytes = "vec", tag = "6")]
    pub bytes: Vec<u8>,
    /// Unix time, seconds.
    #[prost(int64, tag = "7")]
    pub stored_at: i64,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SecretsRow {
    #[prost(message, repeated, tag = "1")]
    pub secrets: Vec<Secret>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Secret {
    #[prost(string, tag = "1")]
    pub chat: String,
    #[prost(string, tag = "2")]
    pub sender: String,
    #[prost(string, tag = "3")]
    pub message_id: String,
    #[prost(bytes = "vec", tag = "4")]
    pub secret: Vec<u8>,
    /// Unix time, seconds; 0 is never.
    #[prost(int64, tag = "5")]
    pub expires_at: i64,
    /// Unix time, seconds; 0 is unknown.
    #[prost(int64, tag = "6")]
    pub message_at: i64,
}
