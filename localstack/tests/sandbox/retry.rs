use whatsapp_rust::{traits::SignalStore, wacore::store::InMemoryBackend};

use super::net::{Client, Net, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

/// Makes the client forget its sessions with the phone of `number`, as a restored backup would.
async fn forget_sessions(backend: &InMemoryBackend, number: &str, lid: &str) {
    for name in [format!("{lid}@lid.0"), format!("{number}@c.us.0"), format!("{number}@s.whatsapp.net.0")] {
        backend.delete_session(&name).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_sends_again_what_a_client_cannot_open() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let bob = net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    // A full turn, so that the phone no longer offers its keys with each message.
    net.says(BOB, ALICE, "one").await;
    client.hears("one").await;
    client.says(&jid(BOB), "two").await;
    net.shown(BOB, |message| message["text"]["body"] == "two").await;
    let backend = client.stop().await;
    forget_sessions(&backend, BOB, bob["lid"].as_str().unwrap()).await;

    let client = Client::start(&net, backend).await;
    client.connected().await;
    let id = net.says(BOB, ALICE, "three").await;
    client.hears("three").await;
    net.shown_with_status(BOB, &id, "delivered").await;
    client.says(&jid(BOB), "four").await;
    net.shown(BOB, |message| message["text"]["body"] == "four").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sends_again_what_a_phone_cannot_open() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    client.says(&jid(BOB), "one").await;
    net.shown(BOB, |message| message["text"]["body"] == "one").await;
    net.says(BOB, ALICE, "two").await;
    client.hears("two").await;
    net.sandbox.forget_sessions(BOB);
    client.says(&jid(BOB), "three").await;
    let shown = net.shown(BOB, |message| message["text"]["body"] == "three").await;
    assert_eq!(shown["copies"], 1);
    net.says(BOB, ALICE, "four").await;
    client.hears("four").await;
}
