//! A device that is linked to another number than before: nothing of the one reaches the other.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Gateway, Phone, eventually};

/// The first link that a phone shows is ended there.
async fn unlink(gateway: &Gateway, phone: &Phone, device: &str) {
    let path = format!("/sandbox/phones/{}", phone.number);
    let links = gateway.api.get(&path).await.expect(200).json["links"].clone();
    gateway.api.delete(&format!("{path}/links/{}", links[0]["n"])).await.expect(204);
    gateway.admin.device_becomes(device, "logged_out").await;
}

/// Has a phone link a device, whatever number it had before.
async fn link(gateway: &Gateway, phone: &Phone, device: &str) {
    let allowed = json!({"allowNumberChange": true});
    gateway.admin.post(&format!("/v1/devices/{device}/connect"), allowed).await.expect(202);
    let path = format!("/v1/devices/{device}/qr");
    let qr = eventually("a QR code", async || {
        let answer = gateway.admin.get(&path).await;
        (answer.status == 200).then(|| answer.json["qr"].as_str().unwrap().to_owned())
    });
    phone.scan(&qr.await).await;
    gateway.admin.device_becomes(device, "connected").await;
}

async fn chats(gateway: &Gateway, device: &str) -> Vec<String> {
    let page = gateway.admin.get(&format!("/v1/devices/{device}/chats")).await.expect(200).json;
    let chats = page["items"].as_array().unwrap().iter();
    chats.map(|chat| chat["chat"].as_str().unwrap().to_owned()).collect()
}

async fn texts(gateway: &Gateway, device: &str, chat: &str) -> Vec<Value> {
    let path = format!("/v1/devices/{device}/chats/{chat}/messages");
    let page = gateway.admin.get(&path).await.expect(200).json;
    page["items"].as_array().unwrap().iter().map(|message| message["text"]["body"].clone()).collect()
}

async fn sent(gateway: &Gateway, device: &str) -> Value {
    gateway.admin.get(&format!("/v1/devices/{device}/queue")).await.expect(200).json["sent"].clone()
}

fn chat(phone: &Phone) -> String {
    format!("{}@s.whatsapp.net", phone.number)
}

#[tokio::test]
async fn what_waits_for_one_number_never_goes_out_from_another_and_fails() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    let before = gateway.admin.send_text(&device, &citra.number, "from Ani").await;
    gateway.admin.message_becomes(&before, "delivered").await;
    unlink(&gateway, &ani, &device).await;
    let mut waiting = Vec::new();
    for n in 0..3 {
        waiting.push(gateway.admin.send_text(&device, &citra.number, &format!("secret of Ani {n}")).await);
    }
    link(&gateway, &budi, &device).await;
    for message in &waiting {
        let failed = gateway.admin.message_becomes(message, "failed").await;
        assert_eq!(failed["error"]["code"], "device_relinked", "{failed}");
        let path = format!("/v1/dead-letters/{}/redrive", message["id"].as_str().unwrap());
        gateway.admin.call(&path).await.expect_problem(409, "device_relinked");
    }
    let own = gateway.admin.send_text(&device, &citra.number, "from Budi").await;
    gateway.admin.message_becomes(&own, "delivered").await;
    let received = citra.receives("from Budi").await;
    assert_eq!(received["from"], budi.number.as_str());
    let all = citra.messages().await;
    assert!(!all.iter().any(|m| m["text"]["body"].as_str().unwrap().contains("secret")), "{all:?}");
    // The next number gets no receipts for what the former one sent.
    citra.read(&[before["waMessageId"].as_str().unwrap()]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let path = format!("/v1/devices/{device}/messages/{}", before["id"].as_str().unwrap());
    assert_eq!(gateway.admin.get(&path).await.expect(200).json["status"], "delivered");
}

#[tokio::test]
async fn chats_history_and_counts_belong_to_the_number_and_come_back_with_it() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    citra.send_text(&ani.number, "to Ani").await;
    gateway.admin.receives(&device, &citra.number, "to Ani").await;
    let message = gateway.admin.send_text(&device, &citra.number, "from Ani").await;
    gateway.admin.message_becomes(&message, "delivered").await;
    unlink(&gateway, &ani, &device).await;
    assert_eq!(chats(&gateway, &device).await, [chat(&citra)], "until another number is there");

    link(&gateway, &budi, &device).await;
    assert!(chats(&gateway, &device).await.is_empty());
    assert!(texts(&gateway, &device, &citra.number).await.is_empty());
    assert_eq!(sent(&gateway, &device).await, 0);
    citra.send_text(&budi.number, "to Budi").await;
    gateway.admin.receives(&device, &citra.number, "to Budi").await;
    assert_eq!(texts(&gateway, &device, &citra.number).await, ["to Budi"]);

    unlink(&gateway, &budi, &device).await;
    link(&gateway, &ani, &device).await;
    assert_eq!(texts(&gateway, &device, &citra.number).await, ["from Ani", "to Ani"]);
    eventually("the counts of the first number", async || (sent(&gateway, &device).await == 1).then_some(()))
        .await;
    let again = gateway.admin.send_text(&device, &citra.number, "from Ani again").await;
    gateway.admin.message_becomes(&again, "delivered").await;

    // Nothing is left of any of them.
    gateway.admin.delete(&format!("/v1/devices/{device}")).await.expect(204);
    eventually("no row is left", async || (!gateway.stores(&device).await).then_some(())).await;
}

#[tokio::test]
async fn a_device_may_let_its_messages_wait_for_their_number_to_come_back() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    let path = format!("/v1/devices/{device}");
    let bad = gateway.admin.patch(&path, json!({"onRelink": "perhaps"})).await;
    bad.expect_problem(422, "validation_failed").naming("onRelink", "wrong_type");
    let changed = gateway.admin.patch(&path, json!({"onRelink": "wait"})).await.expect(200).json;
    assert_eq!(changed["onRelink"], "wait");
    unlink(&gateway, &ani, &device).await;
    let waiting = gateway.admin.send_text(&device, &citra.number, "from Ani").await;
    link(&gateway, &budi, &device).await;
    // It holds up nobody.
    let own = gateway.admin.send_text(&device, &citra.number, "from Budi").await;
    gateway.admin.message_becomes(&own, "delivered").await;
    let gateway = gateway.kill_and_restart().await;
    let (ani, budi, citra) = (gateway.same(&ani), gateway.same(&budi), gateway.same(&citra));
    gateway.admin.device_becomes(&device, "connected").await;
    let own = gateway.admin.send_text(&device, &citra.number, "from Budi after a restart").await;
    gateway.admin.message_becomes(&own, "delivered").await;
    let message = format!("/v1/devices/{device}/messages/{}", waiting["id"].as_str().unwrap());
    assert_eq!(gateway.admin.get(&message).await.expect(200).json["status"], "queued");
    unlink(&gateway, &budi, &device).await;
    link(&gateway, &ani, &device).await;
    gateway.admin.message_becomes(&waiting, "delivered").await;
    assert_eq!(citra.receives("from Ani").await["from"], ani.number.as_str());
}

#[tokio::test]
async fn another_number_is_refused_unless_its_owner_allows_the_change() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    unlink(&gateway, &ani, &device).await;

    let qr = gateway.admin.qr(&device).await;
    budi.send_text(&budi.number, "not for the device").await;
    budi.scan(&qr).await;
    let refused = gateway.admin.device_becomes(&device, "logged_out").await;
    let reason = refused["lastError"].as_str().unwrap();
    assert!(reason.contains("allowNumberChange") && reason.contains(&ani.number), "{reason}");
    assert_eq!(refused["phoneNumber"], json!(null));
    eventually("the phone lists no link", async || {
        let phone = gateway.api.get(&format!("/sandbox/phones/{}", budi.number)).await.expect(200).json;
        (phone["links"] == json!([])).then_some(())
    })
    .await;
    assert_eq!(gateway.rows("session-keys").await, 0);
    assert!(chats(&gateway, &device).await.is_empty());

    // By a code it is known beforehand.
    let path = format!("/v1/devices/{device}/pairing-code");
    let number = json!({"phoneNumber": budi.number});
    gateway.admin.post(&path, number).await.expect_problem(409, "number_change");
    let allowed = json!({"phoneNumber": budi.number, "allowNumberChange": true});
    let code = gateway.admin.pairing_code(&device, allowed).await;
    let typed = json!({"code": code});
    gateway.api.post(&format!("/sandbox/phones/{}/link-code", budi.number), typed).await.expect(200);
    let linked = gateway.admin.device_becomes(&device, "connected").await;
    assert_eq!(linked["phoneNumber"], format!("+{}", budi.number));

    // The leave is used up.
    unlink(&gateway, &budi, &device).await;
    let qr = gateway.admin.qr(&device).await;
    ani.scan(&qr).await;
    let refused = gateway.admin.device_becomes(&device, "logged_out").await;
    assert!(refused["lastError"].as_str().unwrap().contains(&budi.number), "{refused}");
    // And its own number needs none.
    let qr = gateway.admin.qr(&device).await;
    budi.scan(&qr).await;
    gateway.admin.device_becomes(&device, "connected").await;
}
