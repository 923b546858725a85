//! Rows that a newer version stored: what this version knows of them is shown, and one that it cannot read keeps
//! nobody from the others.

use serde_json::{Value, json};
use tests::{Endpoints, Gateway};

/// Puts a row, in DynamoDB's form.
async fn put(gateway: &Gateway, table: &str, row: Value) {
    let body = json!({"TableName": format!("kurir-{table}"), "Item": row});
    Endpoints::of(gateway).ask("DynamoDB_20120810.PutItem", body).await;
}

/// The only row of a table that has this attribute.
async fn row_with(gateway: &Gateway, table: &str, attribute: &str) -> Value {
    let rows = gateway.dump(table).await;
    let mut rows = rows.as_array().unwrap().iter().filter(|row| !row[attribute].is_null());
    let row = rows.next().unwrap_or_else(|| panic!("{table} has a row with {attribute}")).clone();
    assert!(rows.next().is_none(), "{table} has one row with {attribute}");
    row
}

/// The same row as a newer version may have written it.
fn newer(mut row: Value, changed: Value) -> Value {
    row["fromTheFuture"] = json!({"M": {"deep": {"L": [{"N": "1"}, {"BOOL": true}]}}});
    for (name, value) in changed.as_object().unwrap() {
        match value {
            Value::Null => _ = row.as_object_mut().unwrap().remove(name),
            value => row[name] = value.clone(),
        }
    }
    row
}

#[tokio::test]
async fn a_message_of_a_kind_and_status_of_tomorrow_is_in_its_history_and_one_that_cannot_be_read_is_not() {
    let gateway = Gateway::start().await;
    let (admin, to) = (&gateway.admin, "+6281234567890");
    let device = admin.device("a device").await;
    admin.send_text(&device, to, "today").await;
    let row = row_with(&gateway, "messages", "waMessageId").await;
    let as_another = |number: u8, changed: Value| {
        let id = format!("msg_0000000000000000000000000{number}");
        let position = format!("{}{number}", row["position"]["S"].as_str().unwrap());
        let own = json!({
            "sk": {"S": format!("3EB0{number:018}")}, "id": {"S": id}, "position": {"S": position}, "text": null,
            "outboxShard": null, "outboxPosition": null,
        });
        newer(newer(row.clone(), own), changed)
    };
    let hologram = json!({
        "type": {"S": "hologram"}, "hologram": {"M": {"meshes": {"N": "3"}}}, "status": {"S": "played"},
        "priority": {"S": "urgent"},
    });
    put(&gateway, "messages", as_another(1, hologram)).await;
    put(&gateway, "messages", as_another(2, json!({"createdAt": {"M": {}}}))).await;
    let path = format!("/v1/devices/{device}/chats/6281234567890/messages");
    for _ in 0..3 {
        let items = admin.get(&path).await.expect(200).json["items"].clone();
        let shown: Vec<_> = items.as_array().unwrap().iter().map(|m| (&m["type"], &m["status"])).collect();
        let (unsupported, text) = (json!("unsupported"), json!("text"));
        assert_eq!(shown, [(&unsupported, &json!("unknown")), (&text, &json!("queued"))], "{items}");
        assert_eq!(items[0]["unsupported"]["kind"], "newer");
    }
    let log = gateway.log();
    let told = log.lines().filter(|line| line.contains("a stored row cannot be read and is passed over"));
    let told: Vec<_> = told.collect();
    assert!(told.len() == 1 && told[0].contains("count=1"), "told once, and counted: {told:?}");
}

#[tokio::test]
async fn a_device_with_wishes_and_limits_of_tomorrow_is_a_device() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("a device").await;
    let row = row_with(&gateway, "devices", "shardKey").await;
    let mut pacing = row["pacing"].clone();
    pacing["M"]["perDay"] = json!({"N": "5"});
    let changed = json!({
        "status": {"S": "resting"}, "onRelink": {"S": "ask"}, "desired": {"S": "asleep"}, "pacing": pacing,
    });
    put(&gateway, "devices", newer(row, changed)).await;
    let shown = gateway.admin.get(&format!("/v1/devices/{device}")).await.expect(200).json;
    assert_eq!((&shown["status"], &shown["onRelink"]), (&json!("disconnected"), &json!("wait")), "{shown}");
    let listed = gateway.admin.get("/v1/devices").await.expect(200).json;
    assert_eq!(listed["items"][0]["id"], *device);
    // And it serves its owner like any other.
    gateway.admin.send_text(&device, "+6281234567890", "Hello").await;
    let change = json!({"name": "renamed"});
    gateway.admin.patch(&format!("/v1/devices/{device}"), change).await.expect(200);
    let row = row_with(&gateway, "devices", "shardKey").await;
    assert!(row["fromTheFuture"].is_object(), "a change leaves alone what it does not know");
}

#[tokio::test]
async fn events_and_patterns_of_tomorrow_are_told_by_their_names() {
    let gateway = Gateway::start().await;
    let admin = &gateway.admin;
    let url = json!({"url": "https://example.com/hook", "events": ["message.*"]});
    let webhook = admin.post("/v1/webhooks", url).await.expect(201).json;
    let row = row_with(&gateway, "webhooks", "url").await;
    let tenant = row["accountId"].clone();
    let events = json!({"L": [{"S": "message.*"}, {"S": "chat.*"}, {"S": "poll.closed"}]});
    put(&gateway, "webhooks", newer(row, json!({"events": events, "disabledReason": {"S": "bored"}}))).await;
    let shown =
        admin.get(&format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())).await.expect(200).json;
    assert_eq!(shown["events"], json!(["message.*", "chat.*", "poll.closed"]));

    let event =
        json!([{"type": "chat.archived", "timestamp": "2026-12-01T00:00:00.000Z", "data": {"chat": "x"}}]);
    let row = |sequence: u64, events: Value| {
        json!({
            "pk": tenant, "sk": {"S": format!("{sequence:020}")}, "at": {"N": "1796000000000"},
            "block": {"S": "blk_00000000000000000000000000"}, "ttl": {"N": "4000000000"}, "events": events,
        })
    };
    let last = gateway.dump("events").await.as_array().unwrap().len() as u64;
    put(&gateway, "events", row(last + 1, json!({"M": {"of": {"S": "another form"}}}))).await;
    put(&gateway, "events", row(last + 2, json!({"S": event.to_string()}))).await;
    let history = admin.get("/v1/events/history").await.expect(200).json;
    let told = history["items"].as_array().unwrap().iter().find(|event| event["type"] == "chat.archived");
    assert_eq!(told.unwrap()["data"], json!({"chat": "x"}), "{history}");
}
