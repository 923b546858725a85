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
/// How long a client gets to close its side after the server closed its own.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a client that has been replaced is listened to: longer than a process stays frozen in a test.
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
            match self.stream.next().await {
                Some(Ok(Message::Binary(data))) => self.frames.feed(&data),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(SandboxError::Closed),
                Some(Ok(_)) => {}
            }
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
                if matches!(end, Ok(End::Closed)) {
                    listen_on(sandbox, connection, reader, incoming).await;
                }
                return Ok(());
            }
        };
        let node = decode(&incoming.open(&frame)?)?;
        stanza::handle(sandbox, connection, node);
    }
}

/// Reads on until the client closes, so that the last stanza is not lost in a reset. A client that another has
/// replaced is listened to for longer: what it still sends goes on record.
async fn listen_on(sandbox: &Sandbox, connection: ConnectionId, mut reader: Reader, mut incoming: Channel) {
    let replaced = sandbox.apply(|tx| tx.world.sockets.was_replaced(connection));
    let patience = if replaced { REPLACED_TIMEOUT } else { CLOSE_TIMEOUT };
    while let Ok(Ok(frame)) = timeout(patience, reader.next()).await {
        let node = incoming.open(&frame).and_then(|plain| decode(&plain));
        let Ok(node) = node else { return };
        stanza::handle(sandbox, connection, node);
    }
}

fn decode(plain: &[u8]) -> Result<Node, SandboxError> {
    Ok(unmarshal_ref(&unpack(plain)?)?.to_owned())
}

/// How a writer ended.
enum End {
    /// In good order: the client is to close its side.
    Closed,
    /// At once, without a close frame; the reader lets go as well.
    Cut,
}

/// Sends what comes from the saver until told to stop.
async fn write(mut sink: Sink, mut queue: UnboundedReceiver<Outgoing>, mut outgoing: Channel) -> End {
    while let Some(next) = queue.recv().await {
        let node = match next {
            Outgoing::Node(node) => node,
            Outgoing::Close => break,
            Outgoing::Cut => return End::Cut,
        };
        let Ok(plain) = wacore_binary::marshal(&node) else {
            tracing::error!(tag = %node.tag, "a stanza does not encode");
            continue;
        };
        if send(&mut sink, &outgoing.seal(&plain)).await.is_err() {
            return End::Cut;
        }
    }
    let _ = sink.close().await;
    End::Closed
}

async fn send(sink: &mut Sink, frame: &[u8]) -> Result<(), SandboxError> {
    let frame = Message::Binary(frames::encode(frame).into());
    sink.send(frame).await.map_err(|_| SandboxError::Closed)
}
