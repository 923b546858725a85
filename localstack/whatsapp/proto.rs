//! The protobuf messages of the protocol, with only the fields that a server or a phone needs.
//! Field numbers are those on WhatsApp's wire; fields that are not listed are skipped when read.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct HandshakeMessage {
    #[prost(message, optional, tag = "2")]
    pub client_hello: Option<ClientHello>,
    #[prost(message, optional, tag = "3")]
    pub server_hello: Option<ServerHello>,
    #[prost(message, optional, tag = "4")]
    pub client_finish: Option<ClientFinish>,
}

/// In XX only the ephemeral key; in IK also the sealed static key and login payload.
#[derive(Clone, PartialEq, Message)]
pub struct ClientHello {
    #[prost(bytes = "vec", tag = "1")]
    pub ephemeral: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub r#static: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub payload: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ServerHello {
    #[prost(bytes = "vec", tag = "1")]
    pub ephemeral: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub r#static: Option<Vec<u8>>,
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ClientFinish {
    #[prost(bytes = "vec", tag = "1")]
    pub r#static: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CertChain {
    #[prost(message, optional, tag = "1")]
    pub leaf: Option<NoiseCertificate>,
    #[prost(message, optional, tag = "2")]
    pub intermediate: Option<NoiseCertificate>,
}

#[derive(Clone, PartialEq, Message)]
pub struct NoiseCertificate {
    #[prost(bytes = "vec", tag = "1")]
    pub details: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// Times are in seconds since 1970. Every field is written even when zero: clients compare
/// `issuer_serial` with 0 and take an absent one for a malformed certificate.
#[derive(Clone, PartialEq, Message)]
pub struct CertDetails {
    #[prost(uint32, optional, tag = "1")]
    pub serial: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub issuer_serial: Option<u32>,
    #[prost(bytes = "vec", tag = "3")]
    pub key: Vec<u8>,
    #[prost(uint64, optional, tag = "4")]
    pub not_before: Option<u64>,
    #[prost(uint64, optional, tag = "5")]
    pub not_after: Option<u64>,
}

/// What a client says of itself at the end of the handshake: `username` and `device` when it is
/// linked, `pairing` when it wants to be.
#[derive(Clone, PartialEq, Message)]
pub struct ClientPayload {
    #[prost(uint64, optional, tag = "1")]
    pub username: Option<u64>,
    #[prost(string, optional, tag = "7")]
    pub push_name: Option<String>,
    #[prost(uint32, optional, tag = "18")]
    pub device: Option<u32>,
    #[prost(message, optional, tag = "19")]
    pub pairing: Option<PairingData>,
}

/// The Signal identity of a client that wants to be linked.
#[derive(Clone, PartialEq, Message)]
pub struct PairingData {
    #[prost(bytes = "vec", tag = "1")]
    pub registration_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub identity: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub skey_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub skey_value: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub skey_signature: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub device_props: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DeviceProps {
    #[prost(string, optional, tag = "1")]
    pub os: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub platform_type: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AdvDeviceIdentity {
    #[prost(uint32, optional, tag = "1")]
    pub raw_id: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    pub timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "3")]
    pub key_index: Option<u32>,
    #[prost(int32, optional, tag = "4")]
    pub account_type: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub device_type: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AdvSignedDeviceIdentity {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub details: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub account_signature_key: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub account_signature: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub device_signature: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AdvSignedDeviceIdentityHmac {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub details: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub hmac: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AdvKeyIndexList {
    #[prost(uint32, optional, tag = "1")]
    pub raw_id: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    pub timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "3")]
    pub current_index: Option<u32>,
    #[prost(uint32, repeated, tag = "4")]
    pub valid_indexes: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AdvSignedKeyIndexList {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub details: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub account_signature: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub account_signature_key: Option<Vec<u8>>,
}

/// What is inside the Signal envelope: the message that people see, or one from phone to companion.
#[derive(Clone, PartialEq, Message)]
pub struct Content {
    #[prost(string, optional, tag = "1")]
    pub conversation: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub sender_key: Option<SenderKeyDistribution>,
    #[prost(message, optional, tag = "3")]
    pub image: Option<Captioned>,
    #[prost(message, optional, tag = "4")]
    pub contact: Option<Opaque>,
    #[prost(message, optional, tag = "5")]
    pub location: Option<Opaque>,
    #[prost(message, optional, tag = "6")]
    pub extended_text: Option<ExtendedText>,
    #[prost(message, optional, tag = "7")]
    pub document: Option<Opaque>,
    #[prost(message, optional, tag = "8")]
    pub audio: Option<Opaque>,
    #[prost(message, optional, tag = "9")]
    pub video: Option<Opaque>,
    #[prost(message, optional, tag = "12")]
    pub protocol: Option<ProtocolContent>,
    #[prost(message, optional, tag = "26")]
    pub sticker: Option<Opaque>,
    #[prost(message, optional, boxed, tag = "31")]
    pub device_sent: Option<Box<DeviceSent>>,
    #[prost(message, optional, tag = "46")]
    pub reaction: Option<Reaction>,
}

/// A kind of message of which only the presence matters here.
#[derive(Clone, PartialEq, Message)]
pub struct Opaque {}

/// A picture; its caption is what a person would read.
#[derive(Clone, PartialEq, Message)]
pub struct Captioned {
    #[prost(string, optional, tag = "3")]
    pub caption: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExtendedText {
    #[prost(string, optional, tag = "1")]
    pub text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Reaction {
    #[prost(string, optional, tag = "2")]
    pub text: Option<String>,
}

/// A copy of a message for the sender's own other devices.
#[derive(Clone, PartialEq, Message)]
pub struct DeviceSent {
    #[prost(string, optional, tag = "1")]
    pub destination_jid: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub message: Option<Content>,
}

/// The envelope of such a copy, with the message in it as it is, unknown fields included.
#[derive(Clone, PartialEq, Message)]
pub struct Envelope {
    #[prost(message, optional, tag = "31")]
    pub device_sent: Option<EnvelopedMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub struct EnvelopedMessage {
    #[prost(bytes = "vec", optional, tag = "2")]
    pub message: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SenderKeyDistribution {
    #[prost(string, optional, tag = "1")]
    pub group_id: Option<String>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub axolotl: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ProtocolContent {
    #[prost(int32, optional, tag = "2")]
    pub kind: Option<i32>,
    #[prost(message, optional, tag = "6")]
    pub history: Option<HistoryNotification>,
    #[prost(message, optional, tag = "7")]
    pub key_share: Option<KeyShare>,
    #[prost(message, optional, tag = "16")]
    pub peer_request: Option<PeerRequest>,
    #[prost(message, optional, tag = "17")]
    pub peer_response: Option<PeerResponse>,
}

/// `kind` of a [`ProtocolContent`] that carries a [`HistoryNotification`].
pub const HISTORY_SYNC_NOTIFICATION: i32 = 5;
/// `kind` of a [`ProtocolContent`] that carries a [`KeyShare`].
pub const APP_STATE_SYNC_KEY_SHARE: i32 = 6;
/// `kind` of a [`ProtocolContent`] that carries a [`PeerResponse`].
pub const PEER_RESPONSE: i32 = 17;

/// What a companion wants of its phone.
#[derive(Clone, PartialEq, Message)]
pub struct PeerRequest {
    #[prost(int32, optional, tag = "1")]
    pub kind: Option<i32>,
    #[prost(message, repeated, tag = "5")]
    pub placeholders: Vec<PlaceholderRequest>,
}

/// `kind` of a [`PeerRequest`] for messages that the companion could not open.
pub const PLACEHOLDER_RESEND: i32 = 4;

#[derive(Clone, PartialEq, Message)]
pub struct PlaceholderRequest {
    #[prost(message, optional, tag = "1")]
    pub key: Option<WireMessageKey>,
}

/// How a message is named between devices.
#[derive(Clone, PartialEq, Message)]
pub struct WireMessageKey {
    #[prost(string, optional, tag = "1")]
    pub chat: Option<String>,
    #[prost(bool, optional, tag = "2")]
    pub from_me: Option<bool>,
    #[prost(string, optional, tag = "3")]
    pub id: Option<String>,
    /// The author, in a group.
    #[prost(string, optional, tag = "4")]
    pub participant: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PeerResponse {
    #[prost(int32, optional, tag = "1")]
    pub kind: Option<i32>,
    /// The id of the request's stanza.
    #[prost(string, optional, tag = "2")]
    pub request: Option<String>,
    #[prost(message, repeated, tag = "3")]
    pub results: Vec<PeerResult>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PeerResult {
    #[prost(message, optional, tag = "4")]
    pub placeholder: Option<PlaceholderResponse>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PlaceholderResponse {
    /// A [`WebMessage`].
    #[prost(bytes = "vec", optional, tag = "1")]
    pub message: Option<Vec<u8>>,
}

/// A message as a phone keeps it. It lacks its content when the phone does not have it either.
#[derive(Clone, PartialEq, Message)]
pub struct WebMessage {
    #[prost(message, optional, tag = "1")]
    pub key: Option<WireMessageKey>,
    /// A [`Content`].
    #[prost(bytes = "vec", optional, tag = "2")]
    pub content: Option<Vec<u8>>,
    /// Seconds since 1970.
    #[prost(uint64, optional, tag = "3")]
    pub timestamp: Option<u64>,
    #[prost(string, optional, tag = "5")]
    pub participant: Option<String>,
    #[prost(string, optional, tag = "19")]
    pub push_name: Option<String>,
}

/// Points at a piece of history; here always with the (empty) piece inside, zlib-compressed.
#[derive(Clone, PartialEq, Message)]
pub struct HistoryNotification {
    #[prost(int32, optional, tag = "6")]
    pub sync_type: Option<i32>,
    #[prost(uint32, optional, tag = "7")]
    pub chunk_order: Option<u32>,
    #[prost(uint32, optional, tag = "9")]
    pub progress: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "11")]
    pub inline: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyShare {
    #[prost(message, repeated, tag = "1")]
    pub keys: Vec<SharedKey>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SharedKey {
    #[prost(message, optional, tag = "1")]
    pub id: Option<SharedKeyId>,
    #[prost(message, optional, tag = "2")]
    pub data: Option<SharedKeyData>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SharedKeyId {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub id: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SharedKeyData {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub key: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub fingerprint: Option<KeyFingerprint>,
    #[prost(int64, optional, tag = "3")]
    pub timestamp: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyFingerprint {
    #[prost(uint32, optional, tag = "1")]
    pub raw_id: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub current_index: Option<u32>,
    #[prost(uint32, repeated, tag = "3")]
    pub device_indexes: Vec<u32>,
}
