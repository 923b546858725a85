//! Linking, connecting, unlinking.

use serde_json::json;
use tests::{Gateway, eventually};

#[tokio::test]
async fn a_phone_scans_the_qr_code_and_the_device_is_connected() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&phone).await;
    let shown = gateway.admin.get(&format!("/v1/devices/{device}")).await.expect(200).json;
    assert_eq!(shown["phoneNumber"], "+6281234567890");
    assert_eq!(shown["pushName"], "Ani");
    assert!(shown["lid"].as_str().unwrap().starts_with(&phone.lid));
    assert!(shown["lastSeenAt"].is_string());
    assert_eq!(shown["lastError"], json!(null));
    let path = format!("/v1/devices/{device}");
    gateway.admin.get(&format!("{path}/qr")).await.expect_problem(409, "already_connected");
    let code = json!({"phoneNumber": "+6281234567890"});
    let again = gateway.admin.post(&format!("{path}/pairing-code"), code).await;
    again.expect_problem(409, "already_connected");
    let links = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json["links"].clone();
    assert_eq!(links.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_pairing_code_links_in_place_of_a_scan() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.admin.device("x").await;
    let path = format!("/v1/devices/{device}/pairing-code");
    let bad = gateway.admin.post(&path, json!({"phoneNumber": "12"})).await;
    bad.expect_problem(422, "validation_failed").naming("phoneNumber", "phone_invalid");
    let answer = gateway.admin.post(&path, json!({"phoneNumber": "+62 812-3456-7890"})).await.expect(200);
    let code = answer.json["code"].as_str().unwrap();
    assert_eq!(code.replace('-', "").len(), 8, "{code}");
    assert!(answer.json["expiresAt"].is_string());
    let typed = json!({"code": code});
    gateway.api.post(&format!("/sandbox/phones/{}/link-code", phone.number), typed).await.expect(200);
    gateway.admin.device_becomes(&device, "connected").await;
    let message = gateway.admin.send_text(&device, &phone.number, "to myself").await;
    gateway.admin.message_becomes(&message, "sent").await;
}

#[tokio::test]
async fn disconnecting_keeps_the_link_and_connecting_again_needs_no_scan() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&phone).await;
    let path = format!("/v1/devices/{device}");
    gateway.admin.call(&format!("{path}/disconnect")).await.expect(202);
    let away = gateway.admin.device_becomes(&device, "disconnected").await;
    assert_eq!(away["phoneNumber"], "+6281234567890");
    budi.send_text(&phone.number, "while you were away").await;
    let waiting = gateway.admin.send_text(&device, &budi.number, "when I am back").await;
    gateway.admin.call(&format!("{path}/connect")).await.expect(202);
    gateway.admin.device_becomes(&device, "connected").await;
    gateway.admin.receives(&device, &budi.number, "while you were away").await;
    gateway.admin.message_becomes(&waiting, "delivered").await;
    budi.receives("when I am back").await;
}

#[tokio::test]
async fn logout_unlinks_at_whatsapp_and_wipes_the_keys() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&phone).await;
    gateway.admin.call(&format!("/v1/devices/{device}/logout")).await.expect(202);
    let out = gateway.admin.device_becomes(&device, "logged_out").await;
    assert_eq!(out["phoneNumber"], json!(null));
    eventually("the phone lists no link", async || {
        let phone = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json;
        (phone["links"] == json!([])).then_some(())
    })
    .await;
    assert_eq!(gateway.rows("session-keys").await, 0);
    let qr = gateway.admin.qr(&device).await;
    phone.scan(&qr).await;
    gateway.admin.device_becomes(&device, "connected").await;
}

#[tokio::test]
async fn a_device_that_the_phone_unlinks_is_logged_out_and_its_keys_are_gone() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&phone).await;
    let links = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json["links"].clone();
    let path = format!("/sandbox/phones/6281234567890/links/{}", links[0]["n"]);
    gateway.api.delete(&path).await.expect(204);
    let out = gateway.admin.device_becomes(&device, "logged_out").await;
    assert_eq!(out["lastError"], "the device was unlinked on the phone");
    eventually("the keys are gone", async || (gateway.rows("session-keys").await == 0).then_some(())).await;
}

#[tokio::test]
async fn a_device_unlinked_while_it_was_away_learns_so_when_it_connects() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&phone).await;
    gateway.admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
    gateway.admin.device_becomes(&device, "disconnected").await;
    let links = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json["links"].clone();
    gateway.api.delete(&format!("/sandbox/phones/6281234567890/links/{}", links[0]["n"])).await.expect(204);
    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    gateway.admin.device_becomes(&device, "logged_out").await;
    eventually("the keys are gone", async || (gateway.rows("session-keys").await == 0).then_some(())).await;
}

#[tokio::test]
async fn deleting_a_linked_device_unlinks_it_and_leaves_no_rows() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&phone).await;
    let message = gateway.admin.send_text(&device, &budi.number, "Hello").await;
    gateway.admin.message_becomes(&message, "delivered").await;
    gateway.admin.delete(&format!("/v1/devices/{device}")).await.expect(204);
    gateway.admin.get(&format!("/v1/devices/{device}")).await.expect_problem(404, "not_found");
    eventually("the phone lists no link", async || {
        let phone = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json;
        (phone["links"] == json!([])).then_some(())
    })
    .await;
    eventually("no row is left", async || (!gateway.stores(&device).await).then_some(())).await;
}

#[tokio::test]
async fn two_devices_link_to_the_same_phone() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let one = gateway.linked_device(&phone).await;
    let two = gateway.linked_device(&phone).await;
    budi.send_text(&phone.number, "to both").await;
    gateway.admin.receives(&one, &budi.number, "to both").await;
    gateway.admin.receives(&two, &budi.number, "to both").await;
    let sent = gateway.admin.send_text(&one, &budi.number, "from one").await;
    gateway.admin.message_becomes(&sent, "delivered").await;
    // What one companion sends, the other shows too.
    let path = format!("/v1/devices/{two}/chats/{}/messages", budi.number);
    eventually("the other device shows it", async || {
        let items = gateway.admin.get(&path).await.expect(200).json["items"].clone();
        items.as_array().unwrap().iter().any(|m| m["text"]["body"] == "from one").then_some(())
    })
    .await;
}

/// Takes as long as WhatsApp Web shows its six codes: 160 s.
#[tokio::test]
async fn a_device_that_nobody_scans_gives_up_and_says_why() {
    let gateway = Gateway::start_with(&[("KURIR_QR_ROUNDS", "1")]).await;
    let device = gateway.admin.device("x").await;
    let first = gateway.admin.qr(&device).await;
    let path = format!("/v1/devices/{device}");
    let mut codes = std::collections::HashSet::from([first]);
    let ended = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            if let Some(qr) = gateway.admin.get(&format!("{path}/qr")).await.json["qr"].as_str() {
                codes.insert(qr.to_owned());
            }
            let device = gateway.admin.get(&path).await.expect(200).json;
            if device["status"] != "qr" {
                return device;
            }
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(240), ended).await.expect("an end");
    assert_eq!(ended["status"], "disconnected");
    assert!(ended["lastError"].as_str().unwrap().contains("nobody scanned"), "{ended}");
    assert_eq!(codes.len(), 6);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(gateway.admin.get(&path).await.expect(200).json["status"], "disconnected");
    // Asking again starts again.
    gateway.admin.qr(&device).await;
}

#[tokio::test]
async fn a_device_whose_place_another_connection_takes_says_so() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&phone).await;
    let fault = json!({"kind": "replaceStream", "number": phone.number});
    gateway.api.post("/sandbox/faults", fault).await.expect(201);
    let failed = gateway.admin.device_becomes(&device, "failed").await;
    assert!(failed["lastError"].as_str().unwrap().contains("another connection"), "{failed}");
    assert_eq!(failed["phoneNumber"], "+6281234567890");
    // The owner can take the place back.
    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    gateway.admin.device_becomes(&device, "connected").await;
}

#[tokio::test]
async fn a_dropped_socket_comes_back_by_itself() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    for round in 0..2 {
        gateway
            .api
            .post("/sandbox/faults", json!({"kind": "dropSockets", "number": ani.number}))
            .await
            .expect(201);
        let text = format!("after drop {round}");
        budi.send_text(&ani.number, &text).await;
        gateway.admin.receives(&device, &budi.number, &text).await;
        let message = gateway.admin.send_text(&device, &budi.number, &text).await;
        gateway.admin.message_becomes(&message, "delivered").await;
        gateway.admin.device_becomes(&device, "connected").await;
    }
}

#[tokio::test]
async fn a_device_that_is_connected_while_it_is_connecting_or_connected_ends_connected() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&phone).await;
    let path = format!("/v1/devices/{device}");
    for _ in 0..5 {
        gateway.admin.call(&format!("{path}/disconnect")).await.expect(202);
        gateway.admin.call(&format!("{path}/connect")).await.expect(202);
        gateway.admin.call(&format!("{path}/connect")).await.expect(202);
        gateway.admin.device_becomes(&device, "connected").await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(gateway.admin.get(&path).await.expect(200).json["status"], "connected");
}
