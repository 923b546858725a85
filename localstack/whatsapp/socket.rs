//! One connection: the WebSocket, the handshake, and then stanzas in and out.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    task::JoinHandle,
    time::timeout,
};
use wacore_binary::{Node, marshal::unmarshal_ref, util::unpack};

use super::{
    Sandbox, SandboxError, login,
    node::node,
    noise::{
        Accepted, Channel,
        frames::{self, FrameReader},
        handshake::{self, Step},
    },
    stanza,
    state::{Connection, ConnectionId, store::Outgoing},
};

/// How long a client may take for its side of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// Clients ping every 30 seconds or more often; one that is silent for so long is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(180);
/// How long a client gets, once it has read the end of the stream, to close its side.
const LINGER: Duration = Duration::from_millis(500);
/// How long a client that has been replaced may take to read that: longer than a process stays frozen in a test.
const REPLACED_TIMEOUT: Duration = Duration::from_secs(60);
/// tungstenite's default of 128 KiB would be 256 MB for 2,000 idle clients.
const BUFFER: usize = 4 * 1024;
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// `GET /ws/chat`.
pub async fn upgrade(State(sandbox): State<Arc<Sandbox>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(|socket| async move {
            if let Err(error) = serve(&sandbox, socket).await {
                tracing::debug!(%error, "a connection ended");
            }
        })
}

struct Reader {
    stream: SplitStream<WebSocket>,
    frames: FrameReader,
}

impl Reader {
    /// The next frame, whole.
    async fn next(&mut self) -> Result<Bytes, SandboxError> {
        loop {
            if let Some(frame) = self.frames.next_frame()? {
                return Ok(frame);
            }
            self.stir().await?;
        }
    }

    /// Waits until anything comes from the client.
    async fn stir(&mut self) -> Result<(), SandboxError> {
        match self.stream.next().await {
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(SandboxError::Closed),
            Some(Ok(Message::Binary(data))) => {
                self.frames.feed(&data);
                Ok(())
            }
            Some(Ok(_)) => Ok(()),
        }
    }
}

type Sink = SplitSink<WebSocket, Message>;

async fn serve(sandbox: &Arc<Sandbox>, socket: WebSocket) -> Result<(), SandboxError> {
    let (mut sink, stream) = socket.split();
    let mut reader = Reader { stream, frames: FrameReader::default() };
    let accepted = timeout(HANDSHAKE_TIMEOUT, shake_hands(sandbox, &mut sink, &mut reader))
        .await
        .map_err(|_| SandboxError::Noise("the client took too long"))??;
    let Accepted { pattern, client_static, payload, incoming, outgoing } = accepted;

    let (outbox, queue) = mpsc::unbounded_channel();
    let routed = reader.frames.routing_info().is_some();
    let connection = sandbox.apply(|tx| {
        let connection = tx.world.next();
        tx.world.stats.handshake(pattern, routed);
        tx.world.connections.insert(connection, Connection { outbox, client: None });
        login::enter(tx, connection, payload, client_static);
        connection
    });
    let writer = tokio::spawn(write(sink, queue, outgoing));
    let outcome = read(sandbox, connection, reader, incoming, writer).await;
    sandbox.apply(|tx| tx.forget(connection));
    outcome
}

async fn shake_hands(
    sandbox: &Sandbox,
    sink: &mut Sink,
    reader: &mut Reader,
) -> Result<Accepted, SandboxError> {
    let first = reader.next().await?;
    let (step, reply) = handshake::answer(&sandbox.identity, &first)?;
    send(sink, &reply).await?;
    match step {
        Step::Done(accepted) => Ok(*accepted),
        Step::Awaiting(pattern, responder) => {
            let second = reader.next().await?;
            handshake::finish(pattern, *responder, &second)
        }
    }
}

async fn read(
    sandbox: &Arc<Sandbox>,
    connection: ConnectionId,
    mut reader: Reader,
    mut incoming: Channel,
    mut writer: JoinHandle<End>,
) -> Result<(), SandboxError> {
    loop {
        let frame = tokio::select! {
            frame = timeout(IDLE_TIMEOUT, reader.next()) => frame.map_err(|_| SandboxError::Closed)??,
            end = &mut writer => {
                if let Ok(End::Stream(sink)) = end {
                    linger(sandbox, connection, sink, reader, incoming).await;
                }
                return Ok(());
            }
        };
        let node = decode(&incoming.open(&frame)?)?;
        stanza::handle(sandbox, connection, node);
    }
}

/// After the end of the stream: the client gets time to read it and to close its side, then the connection ends
/// without a close frame, as WhatsApp's does. Who closes at once makes clients drop what they have not handled yet.
///
/// A client that another has replaced may be frozen; what it still sends when it wakes goes on record.
async fn linger(
    sandbox: &Sandbox,
    connection: ConnectionId,
    mut sink: Sink,
    mut reader: Reader,
    mut incoming: Channel,
) {
    if sandbox.apply(|tx| tx.world.sockets.was_replaced(connection)) {
        // The answer shows that the client has read all that was sent before.
        let _ = sink.send(Message::Ping(Bytes::new())).await;
        if !matches!(timeout(REPLACED_TIMEOUT, reader.stir()).await, Ok(Ok(()))) {
            return;
        }
    }
    let listen = async {
        while let Ok(frame) = reader.next().await {
            let node = incoming.open(&frame).and_then(|plain| decode(&plain));
            let Ok(node) = node else { return };
            stanza::handle(sandbox, connection, node);
        }
    };
    let _ = timeout(LINGER, listen).await;
}

fn decode(plain: &[u8]) -> Result<Node, SandboxError> {
    Ok(unmarshal_ref(&unpack(plain)?)?.to_owned())
}

/// How a writer ended.
enum End {
    /// With the end of the stream; the connection is still open.
    Stream(Sink),
    /// At once; the reader lets go as well.
    Cut,
}

/// Sends what comes from the saver until told to stop.
async fn write(mut sink: Sink, mut queue: UnboundedReceiver<Outgoing>, mut outgoing: Channel) -> End {
    while let Some(next) = queue.recv().await {
        let (node, is_last) = match next {
            Outgoing::Node(node) => (*node, false),
            Outgoing::Close => (node("xmlstreamend").build(), true),
            Outgoing::Cut => return End::Cut,
        };
        let Ok(plain) = wacore_binary::marshal(&node) else {
            tracing::error!(tag = %node.tag, "a stanza does not encode");
            continue;
        };
        if send(&mut sink, &outgoing.seal(&plain)).await.is_err() {
            return End::Cut;
        }
        if is_last {
            return End::Stream(sink);
        }
    }
    End::Cut
}

async fn send(sink: &mut Sink, frame: &[u8]) -> Result<(), SandboxError> {
    let frame = Message::Binary(frames::encode(frame).into());
    sink.send(frame).await.map_err(|_| SandboxError::Closed)
}
