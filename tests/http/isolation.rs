//! Another tenant's things are not there.

use reqwest::Method;
use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn another_tenants_device_is_a_404_on_every_route_and_stays_as_it_is() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let device = ani.device("Ani's").await;
    let message = ani.send_text(&device, "+6281234567890", "private").await;
    let before = ani.get(&format!("/v1/devices/{device}")).await.expect(200).json;
    let text = json!({"to": "+6281234567890", "type": "text", "text": {"body": "intruder"}});
    let id = message["id"].as_str().unwrap();
    for (method, path, body) in [
        (Method::GET, String::new(), None),
        (Method::PATCH, String::new(), Some(json!({"name": "Budi's"}))),
        (Method::DELETE, String::new(), None),
        (Method::POST, "/connect".into(), None),
        (Method::POST, "/disconnect".into(), None),
        (Method::POST, "/logout".into(), None),
        (Method::GET, "/qr".into(), None),
        (Method::POST, "/pairing-code".into(), Some(json!({"phoneNumber": "+6281234567890"}))),
        (Method::POST, "/messages".into(), Some(text)),
        (Method::GET, format!("/messages/{id}"), None),
        (Method::GET, "/chats".into(), None),
        (Method::GET, "/chats/6281234567890/messages".into(), None),
    ] {
        let mut request = budi.request(method, &format!("/v1/devices/{device}{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        budi.send(request).await.expect_problem(404, "not_found");
    }
    // The connector may have written down that it looked at the device.
    let mut after = ani.get(&format!("/v1/devices/{device}")).await.expect(200).json;
    after["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(after, before);
    let history = ani.get(&format!("/v1/devices/{device}/chats/6281234567890/messages")).await.expect(200);
    assert_eq!(history.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(budi.get("/v1/devices").await.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn another_tenants_key_and_cursor_are_of_no_use() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
    budi.delete(&path).await.expect_problem(404, "not_found");
    gateway.api.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);

    ani.post("/v1/api-keys", json!({"name": "office"})).await.expect(201);
    let page = ani.get("/v1/api-keys?limit=1").await.expect(200).json;
    let stolen = format!("/v1/api-keys?limit=1&cursor={}", page["nextCursor"].as_str().unwrap());
    budi.get(&stolen).await.expect_problem(422, "validation_failed").naming("cursor", "cursor_invalid");
    ani.get(&stolen).await.expect(200);
}
