//! Baileys, an independent implementation of WhatsApp Web, against the sandbox and through it against the
//! gateway: what the gateway's own protocol library and the sandbox might both get wrong shows here.

mod client;

use client::{Baileys, node, root_key};
use serde_json::json;
use tests::{Gateway, Phone, eventually};

/// The phone's chat, by its number.
fn chat(phone: &Phone) -> String {
    format!("{}@s.whatsapp.net", phone.number)
}

/// Waits until a phone shows a text that one of its links has sent.
async fn shows_as_sent(phone: &Phone, text: &str) {
    eventually(format!("{text:?} shows at {}", phone.number), async || {
        let messages = phone.messages().await;
        messages.iter().any(|m| m["direction"] == "outgoing" && m["text"]["body"] == text).then_some(())
    })
    .await;
}

/// A gateway, a Baileys linked to Budi's phone, and a device of the gateway linked to Ani's.
async fn linked_pair(ani: &Phone, budi: &Phone, gateway: &Gateway) -> (Baileys, String) {
    let mut baileys = Baileys::start(gateway).await;
    let qr = baileys.qr().await;
    budi.scan(&qr).await;
    let me = baileys.opened().await;
    let number = me["jid"].as_str().and_then(|jid| jid.split(':').next());
    assert_eq!(number, Some(budi.number.as_str()), "{me}");
    (baileys, gateway.linked_device(ani).await)
}

#[tokio::test]
async fn texts_go_both_ways_and_both_sides_see_them_delivered_and_read() {
    talk("pn").await;
}

#[tokio::test]
async fn people_who_hide_their_numbers_can_talk_just_so() {
    talk("lid").await;
}

/// Texts and receipts in both directions, between people who go by their numbers (`pn`) or by their hidden
/// identities (`lid`).
async fn talk(addressing: &str) {
    let gateway = Gateway::start().await;
    let phone = async |number, name| {
        let wish = json!({"number": number, "name": name, "addressing": addressing});
        gateway.phone_of(&gateway.api.post("/sandbox/phones", wish).await.expect(201).json)
    };
    let (ani, budi) = (phone("6281200000001", "Ani").await, phone("6281200000002", "Budi").await);
    let (mut baileys, device) = linked_pair(&ani, &budi, &gateway).await;

    // The gateway to Baileys.
    let message = gateway.admin.send_text(&device, &budi.number, "Halo Baileys").await;
    let key = baileys.receives("Halo Baileys").await;
    assert_eq!(key["id"], message["waMessageId"]);
    assert_eq!(key["addressingMode"], addressing);
    let delivered = gateway.admin.message_becomes(&message, "delivered").await;
    assert!(delivered["readAt"].is_null(), "{delivered}");
    budi.receives("Halo Baileys").await;
    shows_as_sent(&ani, "Halo Baileys").await;
    baileys.read(&key).await;
    gateway.admin.message_becomes(&message, "read").await;

    // Baileys to the gateway.
    let id = baileys.send(&chat(&ani), "Halo Kurir").await;
    let received = gateway.admin.receives(&device, &chat(&budi), "Halo Kurir").await;
    assert_eq!(received["waMessageId"], id.as_str());
    baileys.message_becomes(&id, "delivered").await;
    ani.receives("Halo Kurir").await;
    shows_as_sent(&budi, "Halo Kurir").await;
    ani.read(&[&id]).await;
    baileys.message_becomes(&id, "read").await;

    // On the sessions that exist now.
    for n in 0..3 {
        let (there, back) = (format!("ke sana {n}"), format!("ke sini {n}"));
        gateway.admin.send_text(&device, &budi.number, &there).await;
        baileys.receives(&there).await;
        baileys.send(&chat(&ani), &back).await;
        gateway.admin.receives(&device, &chat(&budi), &back).await;
    }
}

#[tokio::test]
async fn a_client_that_was_away_comes_back_without_a_code_and_gets_what_it_missed() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("6281200000001", "Ani").await;
    let budi = gateway.phone("6281200000002", "Budi").await;
    let (baileys, device) = linked_pair(&ani, &budi, &gateway).await;
    let stopped = baileys.stop().await;

    let message = gateway.admin.send_text(&device, &budi.number, "Kamu di mana?").await;
    budi.receives("Kamu di mana?").await;
    let mut baileys = stopped.again(&gateway).await;
    baileys.opened().await;
    let key = baileys.receives("Kamu di mana?").await;
    assert_eq!(key["id"], message["waMessageId"]);
    baileys.read(&key).await;
    gateway.admin.message_becomes(&message, "read").await;
    baileys.send(&chat(&ani), "Di sini").await;
    gateway.admin.receives(&device, &chat(&budi), "Di sini").await;
}

#[tokio::test]
async fn a_client_links_by_typing_its_code_into_the_phone() {
    let gateway = Gateway::start().await;
    let budi = gateway.phone("6281200000002", "Budi").await;
    let siti = gateway.phone("6281200000003", "Siti").await;
    let mut baileys = Baileys::start(&gateway).await;
    let code = baileys.pairing_code(&budi.number).await;
    let path = format!("/sandbox/phones/{}/link-code", budi.number);
    // Baileys shows its code before the server knows of it.
    let typed = eventually("the server knows the code", async || {
        let answer = gateway.api.post(&path, json!({"code": code})).await;
        (answer.json["code"] != "link_unknown").then_some(answer)
    });
    typed.await.expect(200);
    baileys.opened().await;

    siti.send_text(&budi.number, "Halo Budi").await;
    baileys.receives("Halo Budi").await;
    baileys.send(&chat(&siti), "Halo Siti").await;
    siti.receives("Halo Siti").await;
}

#[tokio::test]
async fn a_client_that_its_phone_unlinks_is_logged_out() {
    let gateway = Gateway::start().await;
    let budi = gateway.phone("6281200000002", "Budi").await;
    let mut baileys = Baileys::start(&gateway).await;
    let qr = baileys.qr().await;
    let n = budi.scan(&qr).await["n"].clone();
    baileys.opened().await;
    gateway.api.delete(&format!("/sandbox/phones/{}/links/{n}", budi.number)).await.expect(204);
    let close = baileys.closed().await;
    assert_eq!(close["code"], 401, "{close}");
}

#[tokio::test]
async fn a_client_that_trusts_another_root_key_refuses_the_server() {
    let gateway = Gateway::start().await;
    let mut other = root_key(&gateway).await;
    let last = if other.ends_with('0') { "1" } else { "0" };
    other.replace_range(other.len() - 1.., last);
    let mut baileys = Baileys::start_trusting(&gateway, &other);
    let close = baileys.closed().await;
    let reason = close["reason"].as_str().unwrap_or_default();
    assert_eq!(reason, "noise intermediate certificate signature invalid", "{close}");
}

#[tokio::test]
async fn without_the_strict_wrapper_forged_signatures_pass_and_the_client_does_not_start() {
    let output = node(&["client.mjs"]).output().await.expect("node starts; it is needed for this test");
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stderr).contains("takes forged signatures"));
}

#[tokio::test]
async fn a_receipt_of_what_cannot_be_a_message_is_passed_over_quietly() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281200000001", "Ani").await;
    let budi = gateway.phone("+6281200000002", "Budi").await;
    let (mut baileys, device) = linked_pair(&ani, &budi, &gateway).await;
    let message = gateway.admin.send_text(&device, &budi.number, "Halo").await;
    let key = baileys.receives("Halo").await;
    let long = "x".repeat(5000);
    for ids in [["", ""], [long.as_str(), "a"], ["b", long.as_str()]] {
        baileys.receipt(&chat(&ani), &ids, "read").await;
    }
    // What comes after them is taken.
    baileys.read(&key).await;
    gateway.admin.message_becomes(&message, "read").await;
    let log = gateway.log();
    assert!(!log.contains(&long), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
