//! `/v1/devices`, as far as it goes without a phone.

use serde_json::{Value, json};
use tests::{Gateway, eventually};

#[tokio::test]
async fn a_device_is_made_shown_renamed_and_deleted() {
    let gateway = Gateway::start().await;
    let made = gateway.admin.post("/v1/devices", json!({"name": " Shop "})).await.expect(201);
    let path = made.header("location").to_owned();
    assert_eq!(path, format!("/v1/devices/{}", made.json["id"].as_str().unwrap()));
    assert_eq!(made.json["name"], "Shop");
    assert_eq!(made.json["status"], "disconnected");
    assert_eq!(made.json["pacing"]["perMinute"], 20);
    assert_eq!(gateway.admin.get(&path).await.expect(200).json, made.json);

    let renamed = gateway.admin.patch(&path, json!({"name": "Office"})).await.expect(200).json;
    assert_eq!(renamed["name"], "Office");
    assert_eq!(renamed["pacing"], made.json["pacing"]);
    let paced = gateway.admin.patch(&path, json!({"pacing": {"minDelayMs": 1, "maxDelayMs": 2}})).await;
    assert_eq!(paced.expect(200).json["pacing"]["maxDelayMs"], 2);
    let paced = gateway.admin.patch(&path, json!({"pacing": {"perHour": 7}})).await.expect(200).json;
    assert_eq!((&paced["pacing"]["maxDelayMs"], &paced["pacing"]["perHour"]), (&json!(2), &json!(7)));
    assert_eq!(gateway.admin.get(&path).await.expect(200).json["name"], "Office");

    gateway.admin.delete(&path).await.expect(204);
    gateway.admin.get(&path).await.expect_problem(404, "not_found");
    gateway.admin.delete(&path).await.expect_problem(404, "not_found");
    gateway.admin.patch(&path, json!({"name": "Ghost"})).await.expect_problem(404, "not_found");
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn limits_that_several_change_at_the_same_time_all_change() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("busy").await;
    let path = format!("/v1/devices/{device}");
    for round in 1..6 {
        let changes = ["maxDelayMs", "perMinute", "perHour", "perRecipientPerHour"];
        let change = |name: &str| gateway.admin.patch(&path, json!({"pacing": {name: round}}));
        let all = futures::future::join_all(changes.map(change)).await;
        all.into_iter().for_each(|answer| drop(answer.expect(200)));
        let pacing = gateway.admin.get(&path).await.expect(200).json["pacing"].clone();
        for name in changes {
            assert_eq!(pacing[name], round, "{name} of {pacing}");
        }
    }
}

#[tokio::test]
async fn devices_are_listed_in_pages_and_by_status() {
    let gateway = Gateway::start().await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(gateway.admin.device(&format!("device {n}")).await);
    }
    let deleted = made.remove(3);
    gateway.admin.delete(&format!("/v1/devices/{deleted}")).await.expect(204);

    let mut seen = Vec::new();
    let mut path = "/v1/devices?limit=2&status=disconnected".to_owned();
    loop {
        let page = gateway.admin.get(&path).await.expect(200).json;
        seen.extend(page["items"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()));
        match &page["nextCursor"] {
            Value::String(cursor) => {
                path = format!("/v1/devices?limit=2&status=disconnected&cursor={cursor}")
            }
            _ => break,
        }
    }
    assert_eq!(seen, made);
    let connected = gateway.admin.get("/v1/devices?status=connected").await.expect(200);
    assert_eq!(connected.json, json!({"items": [], "nextCursor": null}));

    let first = gateway.admin.get("/v1/devices?limit=2").await.expect(200).json;
    let cursor = first["nextCursor"].as_str().unwrap();
    let elsewhere = gateway.admin.get(&format!("/v1/api-keys?cursor={cursor}")).await;
    elsewhere.expect_problem(422, "validation_failed").naming("cursor", "cursor_invalid");
    let other_filter = gateway.admin.get(&format!("/v1/devices?status=qr&cursor={cursor}")).await;
    other_filter.expect_problem(422, "validation_failed").naming("cursor", "cursor_invalid");
}

#[tokio::test]
async fn bad_parameters_of_a_list_are_named() {
    let gateway = Gateway::start().await;
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("limit=many", "limit", "wrong_type"),
        ("status=asleep", "status", "status_unknown"),
        ("cursor=made-up", "cursor", "cursor_invalid"),
    ] {
        let answer = gateway.admin.get(&format!("/v1/devices?{query}")).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
}

#[tokio::test]
async fn bad_devices_are_refused_and_nothing_is_stored() {
    let gateway = Gateway::start().await;
    for (body, field, code) in [
        (json!({}), "name", "missing"),
        (json!({"name": ""}), "name", "too_short"),
        (json!({"name": "x".repeat(101)}), "name", "too_long"),
        (json!({"name": 7}), "name", "wrong_type"),
        (json!({"name": "x", "color": "red"}), "color", "unknown_field"),
        (json!({"name": "x", "pacing": {"minDelayMs": -1}}), "pacing.minDelayMs", "wrong_type"),
        (
            json!({"name": "x", "pacing": {"minDelayMs": 9, "maxDelayMs": 3}}),
            "pacing.minDelayMs",
            "out_of_range",
        ),
        (json!({"name": "x", "pacing": {"speed": 3}}), "pacing.speed", "unknown_field"),
        (json!({"name": "x", "pacing": {"perMinute": 10_001}}), "pacing.perMinute", "out_of_range"),
        (json!({"name": "x", "pacing": {"perHour": 10_001}}), "pacing.perHour", "out_of_range"),
        (
            json!({"name": "x", "pacing": {"perRecipientPerHour": 10_001}}),
            "pacing.perRecipientPerHour",
            "out_of_range",
        ),
    ] {
        let answer = gateway.admin.post("/v1/devices", body).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn a_qr_code_is_shown_as_text_and_as_pictures() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let path = format!("/v1/devices/{device}/qr");
    gateway.admin.get(&path).await.expect_problem(409, "qr_not_ready");
    let text = gateway.admin.qr(&device).await;
    assert!(text.split(',').count() >= 4, "{text}");
    assert_eq!(gateway.admin.get(&format!("/v1/devices/{device}")).await.json["status"], "qr");

    let picture = |accept: &'static str| {
        let (admin, path) = (gateway.admin.clone(), path.clone());
        async move { admin.send(admin.request(reqwest::Method::GET, &path).header("accept", accept)).await }
    };
    let png = picture("image/png").await.expect(200);
    assert_eq!(png.header("content-type"), "image/png");
    assert!(png.bytes.starts_with(b"\x89PNG\r\n"));
    let svg = picture("image/svg+xml").await.expect(200);
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(String::from_utf8(svg.bytes).unwrap().contains("<svg"));
}

#[tokio::test]
async fn a_device_that_waits_for_a_scan_can_be_disconnected() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    gateway.admin.qr(&device).await;
    gateway.admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
    gateway.admin.device_becomes(&device, "disconnected").await;
    gateway.admin.get(&format!("/v1/devices/{device}/qr")).await.expect_problem(409, "qr_not_ready");
}

#[tokio::test]
async fn a_deleted_device_leaves_no_rows() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    gateway.admin.qr(&device).await;
    gateway.admin.send_text(&device, "+6281234567890", "never sent").await;
    gateway.admin.delete(&format!("/v1/devices/{device}")).await.expect(204);
    let id = device.clone();
    eventually("the device's rows are gone", async || (!gateway.stores(&id).await).then_some(())).await;
}
