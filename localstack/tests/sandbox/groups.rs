use serde_json::json;
use whatsapp_rust::{GroupCreateOptions, GroupParticipantOptions};

use super::net::{Client, Net, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_and_written_to() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let alice = Client::linked(&net, ALICE).await;
    let bob = Client::linked(&net, BOB).await;
    let members = vec![GroupParticipantOptions::new(jid(BOB).parse().unwrap())];
    let options = GroupCreateOptions::builder().subject("Friends").participants(members).build();
    let group = alice.library.groups().create_group(options).await.unwrap().metadata.id.to_string();

    let id = alice.says(&group, "hello everybody").await;
    bob.hears("hello everybody").await;
    let shown = net.shown(BOB, |message| message["id"] == *id).await;
    assert_eq!((&shown["from"], &shown["to"]), (&json!(ALICE), &json!(group)));
    alice.receipt(&id, "Delivered").await;
    bob.says(&group, "hello").await;
    alice.hears("hello").await;
    net.shown(ALICE, |message| message["text"]["body"] == "hello").await;
}
