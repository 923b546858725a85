use serde_json::json;

use super::net::{Client, Net, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_goes_by_its_lid_is_one_chat() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let bob = net.post("/phones", json!({"number": BOB, "name": "Bob", "addressing": "lid"})).await;
    let lid = bob["lid"].as_str().unwrap();
    let client = Client::linked(&net, ALICE).await;

    let id = net.says(BOB, &jid(ALICE), "by lid").await;
    let event = client.hears("by lid").await;
    let heard = event.messages().next().unwrap();
    assert_eq!(heard.info.source.sender.to_string(), format!("{lid}@lid"));
    assert_eq!(heard.info.source.sender_alt.as_ref().unwrap().to_string(), jid(BOB));
    net.shown_with_status(BOB, &id, "delivered").await;

    for to in [jid(BOB), format!("{lid}@lid")] {
        let id = client.says(&to, &to).await;
        net.shown(BOB, |message| message["id"] == *id).await;
        client.receipt(&id, "Delivered").await;
        net.post(&format!("/phones/{BOB}/read"), json!({"ids": [id]})).await;
        client.receipt(&id, "Read").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_writes_to_a_lid() {
    let net = Net::start().await;
    let alice = net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let id = net.says(BOB, &format!("{}@lid", alice["lid"].as_str().unwrap()), "to your lid").await;
    let event = client.hears("to your lid").await;
    let heard = event.messages().next().unwrap();
    assert_eq!(heard.info.source.sender.to_string(), jid(BOB));
    net.shown_with_status(BOB, &id, "delivered").await;
}
