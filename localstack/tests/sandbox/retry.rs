use serde_json::json;
use whatsapp_rust::{
    NodeBuilder, NodeFilter, traits::SignalStore, wacore::store::InMemoryBackend, wacore_binary::Node,
};

use super::net::{Client, Net, attr, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";
const CAROL: &str = "14155550123";

/// Makes the client forget its sessions with the phone of `number`, as a restored backup would.
pub async fn forget_sessions(backend: &InMemoryBackend, number: &str, lid: &str) {
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
    let path = format!("/phones/{BOB}/forget-sessions");
    // Sessions with others stay.
    net.phone(CAROL).await;
    let kept = net.post(&path, json!({"with": [CAROL]})).await;
    assert_eq!(kept["forgotten"], 0);
    let forgotten = net.post(&path, json!({"with": [format!("+{ALICE}")]})).await;
    assert!(forgotten["forgotten"].as_u64() > Some(0), "{forgotten}");
    assert_eq!(net.post(&path, json!({})).await["forgotten"], 0);
    client.says(&jid(BOB), "three").await;
    let shown = net.shown(BOB, |message| message["text"]["body"] == "three").await;
    assert_eq!(shown["copies"], 1);
    net.says(BOB, ALICE, "four").await;
    client.hears("four").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sessions_with_people_can_be_forgotten() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let path = format!("/phones/{ALICE}/forget-sessions");
    let (status, problem) = net.call("POST", &path, json!({"with": [ALICE, BOB]})).await;
    assert_eq!((status.as_u16(), &problem["errors"][0]["field"]), (422, &json!("with[1]")), "{problem}");
    let (status, _) = net.call("POST", "/phones/15550001111/forget-sessions", json!({})).await;
    assert_eq!(status.as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_message_that_a_phone_shows_is_acknowledged() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let _all = client.listens();
    let sent = client.library.wait_for_sent_node(NodeFilter::tag("message").attr("to", jid(BOB)));
    let id = client.says(&jid(BOB), "once").await;
    let of_bob = |stanza: &Node| {
        stanza.tag == "receipt" && attr(stanza, "id") == id && attr(stanza, "from") == jid(BOB)
    };
    assert_eq!(attr(&client.stanza("a receipt", of_bob).await, "type"), "");
    // The same sealed text: no key opens it twice.
    let again = Node::clone(&*sent.await.unwrap());
    client.library.send_node(again).await.unwrap();
    assert_eq!(attr(&client.stanza("a second receipt", of_bob).await, "type"), "");
    let shown = net.shown(BOB, |message| message["id"] == *id).await;
    assert_eq!(shown["copies"], 2);
}

/// A message that nobody can open.
fn garbage(to: &str, id: &str) -> NodeBuilder {
    let enc = NodeBuilder::new("enc").attr("v", "2").attr("type", "msg").bytes(vec![7; 40]).build();
    NodeBuilder::new("message").attr("to", to).attr("id", id).attr("type", "text").children([enc])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_phone_says_for_whom_the_message_was_that_it_asks_for() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let _all = client.listens();
    let id = "3EB0FFFF00001111";
    for count in 1..=5 {
        let message = garbage(&jid(ALICE), id).attr("recipient", jid(BOB)).build();
        client.library.send_node(message).await.unwrap();
        let retry = client.stanza("a retry", |stanza| attr(stanza, "type") == "retry").await;
        assert_eq!((attr(&retry, "from"), attr(&retry, "recipient")), (jid(ALICE), jid(BOB)));
        let asked = retry.get_optional_child("retry").unwrap();
        assert_eq!(attr(asked, "count"), count.to_string());
        assert!(retry.get_optional_child("keys").unwrap().get_optional_child("key").is_some());
    }
    // Then it gives up.
    let message = garbage(&jid(ALICE), id).attr("recipient", jid(BOB)).build();
    let ack = client.asks(message).await;
    assert_eq!((ack.tag.as_ref(), attr(&ack, "class")), ("ack", "message".to_owned()));
    let next = garbage(&jid(ALICE), "3EB0FFFF00002222").attr("recipient", jid(BOB)).build();
    client.library.send_node(next).await.unwrap();
    let retry = client.stanza("a retry", |stanza| attr(stanza, "type") == "retry").await;
    assert_eq!(attr(&retry, "id"), "3EB0FFFF00002222");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_gives_a_companion_what_that_could_not_open() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    net.says(BOB, ALICE, "for both").await;
    let heard = client.hears("for both").await;
    let info = heard.messages().next().unwrap().info.clone();
    client.library.send_pdo_placeholder_resend_request(&info).await.unwrap();
    let again = client.hears("for both").await;
    let again = again.messages().next().unwrap();
    assert!(again.info.unavailable_request_id.is_some());
    assert_eq!(again.info.id, info.id);
}
