//! Receiving: chats, history, identities.

use serde_json::{Value, json};
use tests::{Gateway, eventually};

#[tokio::test]
async fn a_received_text_is_in_the_history_and_its_sender_sees_it_delivered() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let id = budi.send_text(&ani.number, "Hi Ani").await;
    let message = gateway.admin.receives(&device, &budi.number, "Hi Ani").await;
    assert_eq!((&message["status"], &message["fromName"]), (&json!("received"), &json!("Budi")));
    assert_eq!(message["waMessageId"], id.as_str());
    assert_eq!(message["chat"], format!("{}@s.whatsapp.net", budi.number));
    let path = format!("/v1/devices/{device}/messages/{}", message["id"].as_str().unwrap());
    assert_eq!(gateway.admin.get(&path).await.expect(200).json, message);
    budi.message_becomes(&id, "delivered").await;
    ani.read(&[&id]).await;
    budi.message_becomes(&id, "read").await;
}

#[tokio::test]
async fn chats_are_listed_newest_first_and_history_in_pages() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    for n in 0..5 {
        budi.send_text(&ani.number, &format!("b{n}")).await;
        gateway.admin.receives(&device, &budi.number, &format!("b{n}")).await;
    }
    citra.send_text(&ani.number, "c0").await;
    gateway.admin.receives(&device, &citra.number, "c0").await;

    let chats = |path: String| {
        let admin = gateway.admin.clone();
        async move { admin.get(&path).await.expect(200).json }
    };
    let names = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    let path = format!("/v1/devices/{device}/chats");
    let all = chats(path.clone()).await;
    assert_eq!(names(&all), ["Citra", "Budi"]);
    assert_eq!(all["items"][1]["lastMessagePreview"], "b4");
    let first = chats(format!("{path}?limit=1")).await;
    let second = chats(format!("{path}?limit=1&cursor={}", first["nextCursor"].as_str().unwrap())).await;
    assert_eq!((names(&first), names(&second)), (vec!["Citra".into()], vec!["Budi".into()]));

    budi.send_text(&ani.number, "b5").await;
    gateway.admin.receives(&device, &budi.number, "b5").await;
    eventually("Budi's chat is first", async || {
        (names(&chats(path.clone()).await) == ["Budi", "Citra"]).then_some(())
    })
    .await;

    let mut texts = Vec::new();
    let base = format!("/v1/devices/{device}/chats/{}/messages?limit=4", budi.number);
    let mut next = base.clone();
    loop {
        let page = gateway.admin.get(&next).await.expect(200).json;
        texts.extend(page["items"].as_array().unwrap().iter().map(|m| m["text"]["body"].clone()));
        match &page["nextCursor"] {
            Value::String(cursor) => next = format!("{base}&cursor={cursor}"),
            _ => break,
        }
    }
    assert_eq!(json!(texts), json!(["b5", "b4", "b3", "b2", "b1", "b0"]));
}

#[tokio::test]
async fn phone_number_and_lid_of_a_contact_are_one_chat() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let body = json!({"number": "+6281234567891", "name": "Budi", "addressing": "lid"});
    let budi = gateway.phone_of(&gateway.api.post("/sandbox/phones", body).await.expect(201).json);
    let device = gateway.linked_device(&ani).await;
    budi.send_text(&ani.number, "by lid").await;
    let received = gateway.admin.receives(&device, &budi.number, "by lid").await;
    assert_eq!(received["chat"], format!("{}@s.whatsapp.net", budi.number));

    let by_number = gateway.admin.send_text(&device, &budi.number, "to number").await;
    gateway.admin.message_becomes(&by_number, "delivered").await;
    let by_lid = gateway.admin.send_text(&device, &format!("{}@lid", budi.lid), "to lid").await;
    gateway.admin.message_becomes(&by_lid, "delivered").await;
    assert_eq!(by_lid["chat"], by_number["chat"]);
    budi.receives("to lid").await;

    let chats = gateway.admin.get(&format!("/v1/devices/{device}/chats")).await.expect(200).json;
    assert_eq!(chats["items"].as_array().unwrap().len(), 1, "{chats}");
    assert_eq!(chats["items"][0]["chat"], format!("{}@s.whatsapp.net", budi.number));
    assert_eq!(chats["items"][0]["lid"], format!("{}@lid", budi.lid));
    for identity in [budi.number.clone(), format!("{}@lid", budi.lid)] {
        let path = format!("/v1/devices/{device}/chats/{identity}/messages");
        let history = gateway.admin.get(&path).await.expect(200).json;
        assert_eq!(history["items"].as_array().unwrap().len(), 3, "{identity}: {history}");
    }
}

#[tokio::test]
async fn what_the_owner_sends_on_the_phone_is_in_the_history_too() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let id = ani.send_text(&budi.number, "from my phone").await;
    let path = format!("/v1/devices/{device}/chats/{}/messages", budi.number);
    let message = eventually("the device shows what its phone sent", async || {
        let items = gateway.admin.get(&path).await.expect(200).json["items"].clone();
        items.as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(message["direction"], "outgoing");
    assert_eq!(message["waMessageId"], id.as_str());
    assert_eq!(message["text"]["body"], "from my phone");
}

#[tokio::test]
async fn many_messages_at_once_all_arrive_once() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    for n in 0..60 {
        budi.send_text(&ani.number, &format!("burst {n}")).await;
    }
    gateway.admin.receives(&device, &budi.number, "burst 59").await;
    let page =
        gateway.admin.get(&format!("/v1/devices/{device}/chats/{}/messages?limit=100", budi.number)).await;
    let texts: Vec<_> =
        page.json["items"].as_array().unwrap().iter().rev().map(|m| m["text"]["body"].clone()).collect();
    let expected: Vec<_> = (0..60).map(|n| json!(format!("burst {n}"))).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_text_too_large_to_keep_does_not_keep_the_others_from_arriving() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    budi.send_text(&ani.number, &"x".repeat(450_000)).await;
    gateway.admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
    gateway.admin.device_becomes(&device, "disconnected").await;
    budi.send_text(&ani.number, &"y".repeat(450_000)).await;
    budi.send_text(&ani.number, "small").await;
    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    gateway.admin.receives(&device, &budi.number, "small").await;
    let path = format!("/v1/devices/{device}/chats/{}/messages", budi.number);
    let page = gateway.admin.get(&path).await.expect(200).json;
    let kinds: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|m| m["unsupported"]["kind"].clone()).collect();
    assert_eq!(json!(kinds), json!([null, "too_large", "too_large"]));
}
