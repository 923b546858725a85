use serde_json::json;
use whatsapp_rust::{GroupCreateOptions, GroupParticipantOptions};

use super::{
    net::{Client, Net, jid},
    retry::forget_sessions,
};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_makes_a_group_and_writes_to_it() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let alice = Client::linked(&net, ALICE).await;
    let wish = json!({"subject": "Family", "members": [ALICE]});
    let made = net.post(&format!("/phones/{BOB}/groups"), wish).await;
    assert_eq!((&made["subject"], &made["members"]), (&json!("Family"), &json!([BOB, ALICE])));
    let group = made["jid"].as_str().unwrap();

    let id = net.says(BOB, group, "hello family").await;
    let heard = alice.hears("hello family").await;
    let info = heard.messages().next().unwrap().info.clone();
    assert_eq!((info.source.chat.to_string().as_str(), info.source.is_group), (group, true));
    assert_eq!(info.push_name, format!("Phone {BOB}"));
    let shown = net.shown(ALICE, |message| message["id"] == *id).await;
    assert_eq!(
        (&shown["to"], &shown["from"], &shown["direction"]),
        (&made["jid"], &json!(BOB), &json!("incoming"))
    );
    net.shown_with_status(BOB, &id, "delivered").await;
    net.says(BOB, group, "and again").await;
    alice.hears("and again").await;
    let metadata = alice.library.groups().get_metadata(&group.parse().unwrap()).await.unwrap();
    assert_eq!(metadata.subject, "Family");

    let sender = info.source.sender.clone();
    let chat = group.parse().unwrap();
    alice.library.mark_as_read(&chat, Some(&sender), &[id.as_str()]).await.unwrap();
    net.shown_with_status(BOB, &id, "read").await;
    net.shown_with_status(ALICE, &id, "read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_sends_to_a_group_again_what_a_member_cannot_open() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let bob = net.phone(BOB).await;
    let alice = Client::linked(&net, ALICE).await;
    // A full turn, so that the phone no longer offers its keys with each message.
    net.says(BOB, ALICE, "one").await;
    alice.hears("one").await;
    alice.says(&jid(BOB), "two").await;
    net.shown(BOB, |message| message["text"]["body"] == "two").await;
    let backend = alice.stop().await;
    forget_sessions(&backend, BOB, bob["lid"].as_str().unwrap()).await;
    let wish = json!({"subject": "Family", "members": [ALICE]});
    let made = net.post(&format!("/phones/{BOB}/groups"), wish).await;
    let group = made["jid"].as_str().unwrap();

    let alice = Client::start(&net, backend).await;
    alice.connected().await;
    let id = net.says(BOB, group, "hello family").await;
    alice.hears("hello family").await;
    net.shown_with_status(BOB, &id, "delivered").await;
    net.says(BOB, group, "and again").await;
    alice.hears("and again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_none_is_refused() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let path = format!("/phones/{ALICE}/groups");
    for (wish, field) in [
        (json!({"subject": " ", "members": [BOB]}), "subject"),
        (json!({"subject": "Friends", "members": [BOB, "15550001111"]}), "members[1]"),
    ] {
        let (status, problem) = net.call("POST", &path, wish).await;
        assert_eq!((status.as_u16(), &problem["errors"][0]["field"]), (422, &json!(field)), "{problem}");
    }
    let made = net.post(&path, json!({"subject": "Alone", "members": []})).await;
    let message = json!({"to": made["jid"], "type": "text", "text": {"body": "anyone?"}});
    let (status, problem) = net.call("POST", &format!("/phones/{BOB}/messages"), message).await;
    assert_eq!((status.as_u16(), &problem["errors"][0]["code"]), (422, &json!("group_unknown")), "{problem}");
}
