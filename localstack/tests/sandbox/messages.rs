use serde_json::{Value, json};

use super::net::{Client, Net, jid, until};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";
const CAROL: &str = "14155550123";

#[tokio::test(flavor = "multi_thread")]
async fn texts_go_both_ways_between_a_client_and_a_phone() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;

    let id = client.says(&jid(BOB), "hello phone").await;
    assert_eq!(client.acknowledged(&id).await, None);
    let shown = net.shown(BOB, |message| message["id"] == *id).await;
    assert_eq!(shown["text"]["body"], "hello phone");
    assert_eq!(shown["direction"], "incoming");
    assert_eq!((&shown["from"], &shown["senderDevice"]), (&json!(ALICE), &json!(1)));
    assert_eq!(shown["copies"], 1);
    client.receipt(&id, "Delivered").await;
    net.post(&format!("/phones/{BOB}/read"), json!({"ids": [id]})).await;
    client.receipt(&id, "Read").await;
    // The sender's own phone has it too, and knows that it was read.
    let own = net.shown_with_status(ALICE, &id, "read").await;
    assert_eq!((&own["direction"], &own["to"]), (&json!("outgoing"), &json!(BOB)));

    let id = net.says(BOB, ALICE, "hello client").await;
    client.hears("hello client").await;
    net.shown_with_status(BOB, &id, "delivered").await;
    client.library.mark_as_read(&jid(BOB).parse().unwrap(), None, &[id.as_str()]).await.unwrap();
    net.shown_with_status(BOB, &id, "read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_talk_and_every_device_hears() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let alice = Client::linked(&net, ALICE).await;
    let bob = Client::linked(&net, BOB).await;
    for turn in 0..5 {
        let question = format!("question {turn}");
        let id = alice.says(&jid(BOB), &question).await;
        bob.hears(&question).await;
        alice.receipt(&id, "Delivered").await;
        net.shown(BOB, |message| message["text"]["body"] == *question).await;
        let answer = format!("answer {turn}");
        bob.says(&jid(ALICE), &answer).await;
        alice.hears(&answer).await;
    }
    // A companion that comes later is heard of and written to as well.
    let second = Client::linked(&net, BOB).await;
    alice.says(&jid(BOB), "to both").await;
    bob.hears("to both").await;
    second.hears("to both").await;
    // What one companion sends, the other shows as well.
    bob.says(&jid(ALICE), "from the first").await;
    second.hears("from the first").await;
    // What the phone sends, its companions show.
    net.says(BOB, ALICE, "from the phone").await;
    bob.hears("from the phone").await;
    second.hears("from the phone").await;
    alice.hears("from the phone").await;
    assert!(net.messages(ALICE).await.iter().all(|message| message["copies"] == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_talk_without_clients() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let id = net.says(ALICE, &format!("+{BOB}"), "phone to phone").await;
    net.shown_with_status(ALICE, &id, "delivered").await;
    net.post(&format!("/phones/{BOB}/read"), json!({"ids": [id]})).await;
    net.shown_with_status(ALICE, &id, "read").await;
    let (status, body) = net.call("POST", &format!("/phones/{BOB}/read"), json!({"ids": ["nothing"]})).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (422, &json!("message_unknown")));
    let message = json!({"to": "15550001111", "type": "text", "text": {"body": "anyone?"}});
    let (status, body) = net.call("POST", &format!("/phones/{ALICE}/messages"), message).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (422, &json!("phone_unknown")));
    let later = net.get(&format!("/phones/{BOB}/messages?after={id}")).await;
    assert_eq!(later["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_sent_twice_is_counted() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    for _ in 0..2 {
        client.says_as(&jid(BOB), "again", "3EB0AAAABBBBCCCC").await;
    }
    let shown = net.shown(BOB, |message| message["copies"] == 2).await;
    assert_eq!(shown["id"], "3EB0AAAABBBBCCCC");
    assert_eq!(net.messages(BOB).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_looked_up() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    let asked = [jid(BOB).parse().unwrap(), jid("15550001111").parse().unwrap()];
    let found = client.library.contacts().is_on_whatsapp(&asked).await.unwrap();
    let registered: Vec<bool> = found.iter().map(|contact| contact.is_registered).collect();
    assert_eq!(registered, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_brings_more_keys_when_they_run_low() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let client = Client::linked(&net, ALICE).await;
    let before = net.links(ALICE).await[0]["oneTimeKeys"].as_u64().unwrap();
    // Its own phone has taken one to greet it; each stranger takes another.
    for stranger in 0..before {
        let number = format!("1555{stranger:07}");
        net.phone(&number).await;
        net.says(&number, ALICE, "hello stranger").await;
        client.hears("hello stranger").await;
    }
    until("new keys", async || net.links(ALICE).await[0]["oneTimeKeys"].as_u64() > Some(before / 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_companion_is_no_longer_written_to() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let alice = Client::linked(&net, ALICE).await;
    let bob = Client::linked(&net, BOB).await;
    alice.says(&jid(BOB), "one").await;
    bob.hears("one").await;
    let (status, _) = net.call("DELETE", &format!("/phones/{BOB}/links/1"), Value::Null).await;
    assert_eq!(status.as_u16(), 204);
    let id = alice.says(&jid(BOB), "two").await;
    assert_eq!(alice.acknowledged(&id).await, None);
    net.shown(BOB, |message| message["text"]["body"] == "two").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_two_people_may_have_the_same_id() {
    let net = Net::start().await;
    for number in [ALICE, BOB, CAROL] {
        net.phone(number).await;
    }
    let (alice, carol) = (Client::linked(&net, ALICE).await, Client::linked(&net, CAROL).await);
    let id = "3EB0AAAABBBBDDDD";
    alice.says_as(&jid(BOB), "from Alice", id).await;
    carol.says_as(&jid(BOB), "from Carol", id).await;
    carol.says_as(&jid(ALICE), "to Alice", id).await;
    for text in ["from Alice", "from Carol"] {
        let shown = net.shown(BOB, |message| message["text"]["body"] == *text).await;
        assert_eq!((&shown["id"], &shown["copies"]), (&json!(id), &json!(1)));
    }
    // What one of them has reached moves on, the other does not.
    carol.receipt(id, "Delivered").await;
    alice.library.mark_as_read(&jid(CAROL).parse().unwrap(), None, &[id]).await.unwrap();
    let read = |message: &Value| message["status"] == "read" && message["direction"] == "outgoing";
    let read = net.shown(CAROL, |message| read(message)).await;
    assert_eq!(read["text"]["body"], "to Alice");
    let others = net.messages(CAROL).await.into_iter().filter(|message| message["to"] == BOB);
    assert!(others.clone().count() == 1 && others.clone().all(|message| message["status"] != "read"));
}
