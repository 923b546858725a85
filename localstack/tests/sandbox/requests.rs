use serde_json::json;
use whatsapp_rust::{
    NodeBuilder,
    wacore::types::events::Event,
    wacore_binary::{Node, NodeContent},
};

use super::net::{Client, Net, attr, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

fn iq(kind: &'static str, namespace: &'static str, id: &str, child: Node) -> Node {
    NodeBuilder::new("iq")
        .attr("to", "s.whatsapp.net".parse::<whatsapp_rust::Jid>().unwrap())
        .attr("type", kind)
        .attr("xmlns", namespace)
        .attr("id", id)
        .children([child])
        .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_know_it_refuses() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let client = Client::linked(&net, ALICE).await;
    let requests = [
        ("set", "w:g2", "teleport", "501"),
        ("get", "w:mex", "query", "501"),
        ("get", "w:qr", "qr", "501"),
        ("get", "bot", "bot", "501"),
        ("get", "w:biz", "business_profile", "404"),
    ];
    for (n, (kind, namespace, child, code)) in requests.into_iter().enumerate() {
        let request = iq(kind, namespace, &format!("test-{n}"), NodeBuilder::new(child).build());
        let answer = client.asks(request).await;
        assert_eq!(attr(&answer, "type"), "error", "{namespace}");
        assert_eq!(attr(answer.get_optional_child("error").unwrap(), "code"), code, "{namespace}");
    }
    let unhandled = net.get("/stats").await["unhandled"].clone();
    assert!(unhandled.as_array().unwrap().contains(&json!("iq w:mex get query")), "{unhandled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_acknowledged() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let reject = NodeBuilder::new("reject").attr("call-id", "C1").attr("count", "0").build();
    let call = NodeBuilder::new("call").attr("to", jid(BOB)).attr("id", "test-call").children([reject]);
    let ack = client.asks(call.build()).await;
    assert_eq!((ack.tag.as_ref(), attr(&ack, "class")), ("ack", "call".to_owned()));
    assert_eq!((attr(&ack, "type"), attr(&ack, "from")), ("reject".to_owned(), jid(BOB)));
}

/// What the server says of people whose numbers were typed.
async fn typed(client: &Client, mode: &'static str, typed: &[&str]) -> Vec<Node> {
    let users = typed.iter().map(|typed| {
        let contact = NodeBuilder::new("contact").bytes(typed.as_bytes().to_vec()).build();
        NodeBuilder::new("user").children([contact]).build()
    });
    let list = NodeBuilder::new("list").children(users).build();
    let contact = NodeBuilder::new("contact").attr("addressing_mode", mode).build();
    let query = NodeBuilder::new("query").children([contact]).build();
    let usync =
        NodeBuilder::new("usync").attr("sid", "1").attr("mode", "query").attr("context", "interactive");
    let usync = usync.children([query, list]).build();
    let answer = client.asks(iq("get", "usync", &format!("typed-{mode}"), usync)).await;
    let usync = answer.get_optional_child("usync").unwrap();
    usync.get_optional_child("list").unwrap().children().unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_taken_in_every_writing_and_nonsense_in_none() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let bob = net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let plus = format!("+{BOB}");
    let legacy = format!("+{BOB}@c.us");
    let texts = [&plus, &legacy, &jid(BOB), "15550001111@c.us", "nobody@c.us", "+49 151@x", "", "1@2@3"];
    let expected = [
        ("in", jid(BOB)),
        ("in", jid(BOB)),
        ("in", jid(BOB)),
        ("out", jid("15550001111")),
        ("invalid", String::new()),
        ("invalid", String::new()),
        ("invalid", String::new()),
        ("invalid", String::new()),
    ];
    let users = typed(&client, "pn", &texts).await;
    assert_eq!(users.len(), texts.len());
    for ((user, text), (kind, named)) in users.iter().zip(texts).zip(expected) {
        let contact = user.get_optional_child("contact").unwrap();
        assert_eq!((attr(contact, "type").as_str(), attr(user, "jid")), (kind, named), "{text}");
        match &contact.content {
            Some(NodeContent::Bytes(bytes)) => assert_eq!(bytes, text.as_bytes()),
            Some(NodeContent::String(echoed)) => assert_eq!(echoed.as_str(), text),
            other => assert!(text.is_empty(), "{text}: {other:?}"),
        }
    }
    let lid = format!("{}@lid", bob["lid"].as_str().unwrap());
    let users = typed(&client, "lid", &[&plus, "15550001111"]).await;
    assert_eq!((attr(&users[0], "jid"), attr(&users[0], "pn_jid")), (lid, jid(BOB)));
    assert_eq!((attr(&users[1], "jid"), attr(&users[1], "pn_jid")), (jid("15550001111"), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_hears_first_how_much_was_kept() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let backend = Client::linked(&net, ALICE).await.stop().await;
    super::net::until("it is gone", async || net.get("/stats").await["connectedClients"] == 0).await;
    for text in ["one", "two"] {
        net.says(BOB, ALICE, text).await;
    }
    let client = Client::start(&net, backend).await;
    let event = client.event("a preview", |event| matches!(event, Event::OfflineSyncPreview(_))).await;
    let Event::OfflineSyncPreview(preview) = &*event else { unreachable!() };
    assert_eq!((preview.messages, preview.total), (2, 2));
    client.hears("two").await;
    client.event("the end", |event| matches!(event, Event::OfflineSyncCompleted(_))).await;
}
