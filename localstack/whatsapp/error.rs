//! What can go wrong inside the sandbox, apart from what a control call may ask for wrongly.

/// A failure of the sandbox itself or of one connection to it.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The folder or the database in it cannot be used.
    #[error("the sandbox's state: {0}")]
    State(#[from] rusqlite::Error),
    /// A file or socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A stored row does not read back: written by another version, or damaged.
    #[error("the stored row {key} cannot be read: {source}")]
    Row { key: String, source: prost::DecodeError },
    /// The Noise handshake or a sealed frame is not valid.
    #[error("noise: {0}")]
    Noise(&'static str),
    /// `snow` refused a handshake message.
    #[error("noise: {0}")]
    Snow(#[from] snow::Error),
    /// A protobuf message in the handshake does not decode.
    #[error(transparent)]
    Proto(#[from] prost::DecodeError),
    /// A binary node does not decode or encode.
    #[error("binary node: {0}")]
    Node(#[from] wacore_binary::BinaryError),
    /// A key or a signature has the wrong shape.
    #[error("key: {0}")]
    Key(#[from] wacore_libsignal::protocol::CurveError),
    /// The Signal protocol refused an operation of a phone.
    #[error("signal: {0}")]
    Signal(#[from] wacore_libsignal::protocol::SignalProtocolError),
    /// The client broke the protocol and is disconnected.
    #[error("protocol: {0}")]
    Protocol(&'static str),
    /// The client went away.
    #[error("the connection closed")]
    Closed,
}
