use serde_json::json;

use super::net::{Client, Net, attr, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

#[tokio::test(flavor = "multi_thread")]
async fn what_one_device_has_read_the_others_show_as_read() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let first = Client::linked(&net, ALICE).await;
    let second = Client::linked(&net, ALICE).await;
    let (_all, _more) = (first.listens(), second.listens());

    // The phone.
    let id = net.says(BOB, ALICE, "read on the phone").await;
    for client in [&first, &second] {
        client.hears("read on the phone").await;
    }
    net.post(&format!("/phones/{ALICE}/read"), json!({"ids": [id]})).await;
    for client in [&first, &second] {
        let told = client.stanza("its phone has read", |stanza| {
            stanza.tag == "receipt" && attr(stanza, "type") == "read" && attr(stanza, "id") == id
        });
        let told = told.await;
        assert_eq!((attr(&told, "from"), attr(&told, "recipient")), (jid(ALICE), jid(BOB)));
    }
    net.shown_with_status(BOB, &id, "read").await;

    // A companion.
    let id = net.says(BOB, ALICE, "read on the first").await;
    first.hears("read on the first").await;
    first.library.mark_as_read(&jid(BOB).parse().unwrap(), None, &[id.as_str()]).await.unwrap();
    let told = second.stanza("the first has read", |stanza| {
        stanza.tag == "receipt" && attr(stanza, "type") == "read" && attr(stanza, "id") == id
    });
    let told = told.await;
    assert_eq!(attr(&told, "from"), format!("{ALICE}:1@s.whatsapp.net"));
    assert_eq!(attr(&told, "recipient"), jid(BOB));
    net.shown_with_status(ALICE, &id, "read").await;
    net.shown_with_status(BOB, &id, "read").await;
}
