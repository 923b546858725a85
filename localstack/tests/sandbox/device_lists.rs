use serde_json::{Value, json};
use whatsapp_rust::{Jid, NodeBuilder, wacore::messages::MessageUtils, wacore_binary::Node};

use super::net::{Client, Net, attr, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

/// The hash that a client makes of a list of devices.
fn hash(devices: &[String]) -> String {
    let devices: Vec<Jid> = devices.iter().map(|device| device.parse().unwrap()).collect();
    MessageUtils::participant_list_hash(&devices).unwrap()
}

fn device(number: &str, n: u16) -> String {
    format!("{number}:{n}@s.whatsapp.net")
}

async fn pair() -> (Net, Client) {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let alice = Client::linked(&net, ALICE).await;
    (net, alice)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_with_the_hash_of_the_new_list() {
    let (net, alice) = pair().await;
    // Who has asked for a list is told of its changes.
    alice.says(&jid(BOB), "hello").await;
    net.shown(BOB, |message| message["text"]["body"] == "hello").await;
    let _all = alice.listens();
    let bob = Client::linked(&net, BOB).await;
    let told = alice.stanza("a change", |stanza| attr(stanza, "type") == "devices").await;
    let change = told.get_optional_child("add").unwrap();
    assert_eq!(attr(change, "device_hash"), hash(&[jid(BOB), device(BOB, 1)]));

    let _more = bob.listens();
    let _second = Client::linked(&net, BOB).await;
    let told = bob.stanza("the own list", |stanza| attr(stanza, "type") == "account_sync").await;
    let list = told.get_optional_child("devices").unwrap();
    assert_eq!(attr(list, "dhash"), hash(&[jid(BOB), device(BOB, 1), device(BOB, 2)]));
    assert_eq!(list.get_children_by_tag("device").count(), 3);
    let (status, _) = net.call("DELETE", &format!("/phones/{BOB}/links/2"), Value::Null).await;
    assert_eq!(status.as_u16(), 204);
    let told = bob.stanza("the own list", |stanza| attr(stanza, "type") == "account_sync").await;
    let list = told.get_optional_child("devices").unwrap();
    assert_eq!(attr(list, "dhash"), hash(&[jid(BOB), device(BOB, 1)]));
}

/// What the server says of Bob's devices to a client that has a list with this hash.
async fn devices(client: &Client, id: &str, known: &str) -> Vec<Node> {
    let known = NodeBuilder::new("devices").attr("device_hash", known).build();
    let user =
        NodeBuilder::new("user").attr("jid", jid(BOB).parse::<Jid>().unwrap()).children([known]).build();
    let wanted = NodeBuilder::new("devices").attr("version", "2").build();
    let usync = NodeBuilder::new("usync").attr("sid", "1").attr("mode", "query").attr("context", "message");
    let children = [
        NodeBuilder::new("query").children([wanted]).build(),
        NodeBuilder::new("list").children([user]).build(),
    ];
    let request = NodeBuilder::new("iq")
        .attr("to", "s.whatsapp.net".parse::<Jid>().unwrap())
        .attr("type", "get")
        .attr("xmlns", "usync")
        .attr("id", id)
        .children([usync.children(children).build()]);
    let answer = client.asks(request.build()).await;
    let list = answer.get_optional_child("usync").unwrap().get_optional_child("list").unwrap();
    list.children().unwrap_or_default().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_a_client_has_is_not_sent_again() {
    let (net, alice) = pair().await;
    let _bob = Client::linked(&net, BOB).await;
    let present = hash(&[jid(BOB), device(BOB, 1)]);
    let users = devices(&alice, "stale", &hash(&[jid(BOB)])).await;
    let list = users[0].get_optional_child("devices").unwrap().get_optional_child("device-list").unwrap();
    assert_eq!(attr(list, "hash"), present);
    assert!(devices(&alice, "present", &present).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_a_new_device_learns_of_it_by_the_ack() {
    let (net, alice) = pair().await;
    let _all = alice.listens();
    let ack = async |id: &str| {
        alice.stanza("an ack", |stanza| stanza.tag == "ack" && attr(stanza, "id") == *id).await
    };
    let id = alice.says(&jid(BOB), "to the phone").await;
    assert_eq!(attr(&ack(&id).await, "phash"), "", "the list is right");

    net.post("/faults", json!({"kind": "withholdDeviceNotifications", "number": ALICE})).await;
    let bob = Client::linked(&net, BOB).await;
    assert_eq!(net.get("/faults").await["items"], json!([]), "it has struck");
    let id = alice.says(&jid(BOB), "with the old list").await;
    let present = hash(&[jid(BOB), device(BOB, 1), jid(ALICE)]);
    assert_eq!(attr(&ack(&id).await, "phash"), present);
    net.shown(BOB, |message| message["id"] == *id).await;

    // The library gets the list anew, at leisure; what went out with the old one it does not send again.
    let mut texts = (0..).map(|n| format!("with the new list {n}"));
    let reached = async {
        loop {
            let id = alice.says(&jid(BOB), &texts.next().unwrap()).await;
            if attr(&ack(&id).await, "phash").is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(40), reached)
        .await
        .expect("a message with the new list");
    let last = net.messages(BOB).await.last().unwrap()["text"]["body"].as_str().unwrap().to_owned();
    bob.hears(&last).await;
    assert!(bob.heard().await.iter().all(|text| text != "with the old list"));
}
