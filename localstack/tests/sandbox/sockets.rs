//! The record of clients' sockets.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use whatsapp_rust::wacore::store::InMemoryBackend;

use super::net::{Client, Net, jid, until};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

#[tokio::test(flavor = "multi_thread")]
async fn it_says_when_a_client_was_there_and_what_it_sent() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let before = client.says(&jid(BOB), "before").await;
    client.acknowledged(&before).await;
    let path = format!("/phones/{ALICE}/sockets");
    let sockets = net.get(&path).await;
    let first = sockets["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&first["n"], &first["messages"]), (&json!(1), &json!(1)), "{sockets}");
    assert!(first["loggedInAt"].is_string() && first["endedAt"].is_null(), "{sockets}");

    net.post("/faults", json!({"kind": "dropSockets"})).await;
    client.connected().await;
    let after = client.says(&jid(BOB), "after").await;
    client.acknowledged(&after).await;
    let sockets = net.get(&path).await;
    let items = sockets["items"].as_array().unwrap();
    let [.., old, new] = items.as_slice() else { panic!("{sockets}") };
    assert_eq!((&old["messageIds"], &new["messageIds"]), (&json!([before]), &json!([after])), "{sockets}");
    assert!(old["endedAt"].is_string() && new["endedAt"].is_null(), "{sockets}");
    assert_eq!(old["replaced"], false, "{sockets}");
    let away = new["awayMs"].as_i64().unwrap();
    assert!(away > 0 && sockets["longestAwayMs"].as_i64().unwrap() >= away, "{sockets}");
    assert_eq!(sockets["lateStanzas"], 0, "{sockets}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replaced_client_still_sends_is_recorded_and_not_taken() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let backend = Arc::new(InMemoryBackend::new());
    let (url, deaf) = relay(net.url()).await;
    let old = Client::connect(url, backend.clone()).await;
    old.link(&net, ALICE).await;
    // Later sends then need no answer of the server.
    let id = old.says(&jid(BOB), "hello").await;
    old.acknowledged(&id).await;
    deaf.store(true, Ordering::SeqCst);
    let new = Client::start(&net, backend).await;
    new.connected().await;

    let late = old.says(&jid(BOB), "I did not know").await;
    until("the late message is on record", async || {
        net.get(&format!("/phones/{ALICE}/sockets")).await["lateMessages"] == 1
    })
    .await;
    let sockets = net.get(&format!("/phones/{ALICE}/sockets")).await;
    let replaced = sockets["items"].as_array().unwrap().iter().find(|socket| socket["replaced"] == true);
    assert_eq!(replaced.unwrap()["lateMessages"], json!([late]), "{sockets}");
    assert_eq!(net.get("/stats").await["lateMessages"], 1);
    assert!(net.messages(BOB).await.iter().all(|message| message["id"] != *late));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_has_ended_is_cut_after_a_while_and_without_a_close_frame() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let (url, recorded) = recording_relay(net.url()).await;
    let client = Client::connect(url, Arc::new(InMemoryBackend::new())).await;
    client.link(&net, ALICE).await;
    // A client that logs out by itself ends the stream, too; this one stays.
    recorded.mute.store(true, Ordering::SeqCst);
    net.post("/faults", json!({"kind": "replaceStream"})).await;
    let latest = || recorded.connections.lock().unwrap().last().cloned().unwrap();
    until("the server has cut", async || latest().ended.is_some()).await;
    let said = latest();
    let waited = said.ended.unwrap() - said.last_data.unwrap();
    assert!(waited >= Duration::from_millis(300), "it cut after {waited:?}");
    let opcodes = opcodes(&said.data);
    assert!(opcodes.len() > 3 && opcodes.iter().all(|opcode| *opcode == 2), "{opcodes:?}");
}

/// What a server has said on one connection, and when.
#[derive(Clone, Default)]
struct Said {
    data: Vec<u8>,
    last_data: Option<Instant>,
    ended: Option<Instant>,
}

/// All connections through a relay.
#[derive(Default)]
struct Recorded {
    connections: Mutex<Vec<Said>>,
    /// Nothing of the client's gets through, its goodbye included.
    mute: AtomicBool,
}

impl Recorded {
    fn open(&self) -> usize {
        let mut connections = self.connections.lock().unwrap();
        connections.push(Said::default());
        connections.len() - 1
    }

    fn heard(&self, connection: usize, data: &[u8]) {
        let said = &mut self.connections.lock().unwrap()[connection];
        said.data.extend_from_slice(data);
        said.last_data = Some(now());
    }

    fn ended(&self, connection: usize) {
        self.connections.lock().unwrap()[connection].ended = Some(now());
    }
}

async fn recording_relay(url: String) -> (String, Arc<Recorded>) {
    let target = url.trim_start_matches("ws://").split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("ws://{}/ws/chat", listener.local_addr().unwrap());
    let recorded = Arc::new(Recorded::default());
    let told = recorded.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let connection = told.open();
            let server = TcpStream::connect(&target).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let up = told.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    if !up.mute.load(Ordering::SeqCst) {
                        let _ = to_server.write_all(&buffer[..read]).await;
                    }
                }
                if up.mute.load(Ordering::SeqCst) {
                    // The server does not hear that the client has gone.
                    std::future::pending::<()>().await;
                }
            });
            let down = told.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                    down.heard(connection, &buffer[..read]);
                    let _ = to_client.write_all(&buffer[..read]).await;
                }
                down.ended(connection);
            });
        }
    });
    (here, recorded)
}

#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn now() -> Instant {
    Instant::now()
}

/// The kinds of the WebSocket frames that follow the answer to the upgrade.
fn opcodes(data: &[u8]) -> Vec<u8> {
    let start = data.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut rest = &data[start..];
    let mut opcodes = Vec::new();
    while let [first, second, ..] = *rest {
        opcodes.push(first & 0x0F);
        let length = |bytes: &[u8]| bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
        let (head, length) = match second & 0x7F {
            126 => (4, length(&rest[2..4])),
            127 => (10, length(&rest[2..10])),
            short => (2, usize::from(short)),
        };
        rest = &rest[head + length..];
    }
    opcodes
}

/// A way to the server on which a client can be made deaf.
async fn relay(url: String) -> (String, Arc<AtomicBool>) {
    let target = url.trim_start_matches("ws://").split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("ws://{}/ws/chat", listener.local_addr().unwrap());
    let deaf = Arc::new(AtomicBool::new(false));
    let told = deaf.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&target).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(pass(from_client, to_server, Arc::default()));
            tokio::spawn(pass(from_server, to_client, told.clone()));
        }
    });
    (here, deaf)
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    withheld: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if !withheld.load(Ordering::SeqCst) && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // Held open, as by a network that has lost the other side.
    if withheld.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
}
