use serde_json::json;
use whatsapp_rust::wacore::types::events::Event;

use super::net::{Client, Net, jid, until};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_comes_back_to_what_was_kept() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let backend = Client::linked(&net, ALICE).await.stop().await;
    until("nobody is there", async || net.get("/stats").await["connectedClients"] == 0).await;
    let id = net.says(BOB, ALICE, "while you were away").await;
    net.shown_with_status(BOB, &id, "delivered").await;

    let client = Client::start(&net, backend).await;
    let event = client.hears("while you were away").await;
    assert!(event.messages().next().unwrap().info.is_offline);
    client.connected().await;
    let stats = net.get("/stats").await;
    assert_eq!(stats["handshakes"]["ik"], 1, "{stats}");
    assert_eq!(stats["routedReconnects"], 1, "{stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_a_restart() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    client.says(&jid(BOB), "before").await;
    net.shown(BOB, |message| message["text"]["body"] == "before").await;
    net.says(BOB, ALICE, "reply").await;
    client.hears("reply").await;
    let backend = client.stop().await;
    net.says(BOB, ALICE, "kept").await;
    let (phones, root) = (net.get("/phones").await, net.get("/root-key").await);
    let messages = net.messages(BOB).await;

    let net = net.restart().await;
    assert_eq!(net.get("/phones").await, phones);
    assert_eq!(net.get("/root-key").await, root);
    assert_eq!(net.messages(BOB).await, messages);
    let client = Client::start(&net, backend).await;
    client.hears("kept").await;
    client.connected().await;
    let id = client.says(&jid(BOB), "after").await;
    let shown = net.shown(BOB, |message| message["id"] == *id).await;
    assert_eq!(shown["copies"], 1);
    net.says(BOB, ALICE, "reply after").await;
    client.hears("reply after").await;
    // None of it needed to be sent twice.
    assert_eq!(net.get("/stats").await["handshakes"], json!({"xx": 0, "ik": 1, "xxFallback": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_client_outlives_the_server() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let net = net.restart().await;
    client.connected().await;
    net.says(BOB, ALICE, "here again").await;
    client.hears("here again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgot_everything_turns_clients_away() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let backend = Client::linked(&net, ALICE).await.stop().await;
    // Its key is another one, so the client's IK ends in XXfallback.
    let net = net.replace().await;
    let client = Client::start(&net, backend).await;
    client.event("logged out", |event| matches!(event, Event::LoggedOut(_))).await;
    assert_eq!(net.get("/stats").await["handshakes"]["xxFallback"], 1);
}
