//! The record of clients' sockets.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
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
