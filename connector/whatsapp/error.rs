//! What can go wrong, in Kurir's words.

use std::time::Duration;

use thiserror::Error;

/// This build must not talk to that server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    #[error("{0:?} is not a ws:// or wss:// address")]
    NotWebSocket(String),
    #[error(
        "this is a sandbox build, which does not verify WhatsApp's certificate chain: it talks to loopback \
         addresses only, not to {0}"
    )]
    NotLoopback(String),
    #[error("{0} is not wss://: a build without the feature `sandbox` talks to WhatsApp over TLS only")]
    NotTls(String),
}

/// A socket could not be set up.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The device's keys could not be read or written.
    #[error("session keys: {0}")]
    Keys(String),
    /// The protocol library refused to start.
    #[error("protocol library: {0}")]
    Library(String),
}

/// A message was not sent, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// No connection, or not logged in. Nothing was sent.
    #[error("the device is not connected")]
    NotConnected,
    /// The recipient has no WhatsApp account. Nothing was sent.
    #[error("the recipient is not on WhatsApp")]
    NotOnWhatsApp,
    /// WhatsApp answered with a refusal.
    #[error("WhatsApp refused the message (code {code})")]
    Refused { code: String },
    /// WhatsApp asks to slow down.
    #[error("WhatsApp limits the rate of messages")]
    RateLimited,
    /// No answer in time, or the connection was lost while waiting: it may have been sent.
    #[error("WhatsApp did not acknowledge the message in time")]
    Timeout,
    /// The recipient or the message cannot be sent as asked, ever.
    #[error("invalid message: {0}")]
    Invalid(String),
    /// A newer version of Kurir accepted it: this one does not know what it is. Nothing was sent.
    #[error("this version does not know this kind of message")]
    UnknownKind,
    /// Something in between failed, such as encryption or the key store. Nothing was acknowledged.
    #[error("sending failed: {0}")]
    Internal(String),
}

impl SendError {
    /// Whether the message may have reached WhatsApp all the same. It must then be repeated under the
    /// same WhatsApp id or not at all.
    pub fn may_have_been_sent(&self) -> bool {
        matches!(self, Self::Timeout | Self::Internal(_))
    }
}

/// Anything else asked of WhatsApp did not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommandError {
    #[error("the device is not connected")]
    NotConnected,
    #[error("WhatsApp did not answer in time")]
    Timeout,
    /// A pairing code was asked for while one is still good.
    #[error("a pairing code is already shown, for another {} s", remaining.as_secs())]
    PairingCodeOutstanding { remaining: Duration },
    /// The device is already linked, so it needs no pairing code.
    #[error("the device is already linked")]
    AlreadyLinked,
    #[error("WhatsApp limits how often this may be asked")]
    RateLimited,
    #[error("invalid request: {0}")]
    Invalid(String),
    #[error("failed: {0}")]
    Internal(String),
}
