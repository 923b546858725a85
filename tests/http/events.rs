//! `/v1/events` and `/v1/events/history`, with the events of devices that want to be linked.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Api, Gateway, Said, eventually};
use tokio::time::Instant;

/// A device that shows a QR code; its id.
async fn waiting_device(caller: &Api) -> String {
    let device = caller.device("waits").await;
    caller.qr(&device).await;
    device
}

/// The whole list, newest first.
async fn history(caller: &Api, query: &str) -> Vec<Value> {
    let page = caller.get(&format!("/v1/events/history?limit=100{query}")).await.expect(200).json;
    assert_eq!(page["nextCursor"], Value::Null);
    page["items"].as_array().unwrap().clone()
}

/// Waits until the log has so many events of a device.
async fn logged(caller: &Api, device: &str, count: usize) -> Vec<Value> {
    let found = eventually(format!("{count} events of {device}"), async || {
        let items = history(caller, &format!("&deviceId={device}")).await;
        (items.len() >= count).then_some(items)
    });
    found.await
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_device_that_is_connected_tells_its_status_and_its_qr_code() {
    let gateway = Gateway::start().await;
    let mut stream = gateway.admin.event_stream("/v1/events", None).await;
    let device = waiting_device(&gateway.admin).await;
    let mut events = stream.until(|event| event["type"] == "qr.generated").await;
    assert_eq!(types(&events), ["device.status", "device.status", "qr.generated"]);
    assert_eq!(events[0]["data"], json!({"status": "connecting", "lastError": null}));
    assert_eq!(events[1]["data"], json!({"status": "qr", "lastError": null}));
    let shown = gateway.admin.get(&format!("/v1/devices/{device}/qr")).await.expect(200).json;
    assert_eq!(events[2]["data"], shown);
    for event in &events {
        assert_eq!(event["deviceId"], device.as_str());
        assert!(event["id"].as_str().unwrap().starts_with("evt_"));
        assert!(event["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    assert!(events.is_sorted_by_key(|event| event["id"].as_str().unwrap().to_owned()));
    events.reverse();
    assert_eq!(history(&gateway.admin, "").await, events, "the list has the same events, newest first");
    assert!(!gateway.log().contains(shown["qr"].as_str().unwrap()), "the code is in no log");
}

#[tokio::test]
async fn the_list_comes_in_pages_and_filtered() {
    let gateway = Gateway::start().await;
    let (first, second) = (waiting_device(&gateway.admin).await, waiting_device(&gateway.admin).await);
    logged(&gateway.admin, &first, 3).await;
    logged(&gateway.admin, &second, 3).await;
    let all = history(&gateway.admin, "").await;
    let (mut paged, mut query) = (Vec::new(), "limit=1".to_owned());
    loop {
        let page = gateway.admin.get(&format!("/v1/events/history?{query}")).await.expect(200).json;
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("limit=1&cursor={cursor}");
    }
    assert_eq!(paged, all);
    let of_first = history(&gateway.admin, &format!("&deviceId={first}")).await;
    assert!(!of_first.is_empty() && of_first.iter().all(|event| event["deviceId"] == first.as_str()));
    let qr = history(&gateway.admin, "&types=qr.generated,message.*").await;
    assert_eq!(types(&qr), ["qr.generated", "qr.generated"]);
    let since = all[0]["timestamp"].as_str().unwrap();
    assert!(history(&gateway.admin, &format!("&since={since}")).await.len() < all.len());
    assert!(history(&gateway.admin, "&since=2100-01-01T00:00:00Z").await.is_empty());
    for (query, field, code) in [
        ("types=nonsense", "types", "type_unknown"),
        ("limit=0", "limit", "out_of_range"),
        ("cursor=abc", "cursor", "cursor_invalid"),
    ] {
        let answer = gateway.admin.get(&format!("/v1/events/history?{query}")).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
}

#[tokio::test]
async fn whoever_comes_back_with_its_last_event_misses_nothing_and_gets_nothing_twice() {
    let gateway = Gateway::start().await;
    let device = waiting_device(&gateway.admin).await;
    let mut all = logged(&gateway.admin, &device, 3).await;
    all.reverse();
    for (seen, last) in all.iter().enumerate() {
        let id = last["id"].as_str().unwrap();
        // By header, and by the address when there is none.
        let by_address = format!("/v1/events?lastEventId={id}");
        for (path, header) in [("/v1/events", Some(id)), (by_address.as_str(), None)] {
            let mut stream = gateway.admin.event_stream(path, header).await;
            for expected in &all[seen + 1..] {
                assert_eq!(stream.event().await, *expected);
            }
            assert!(stream.event_within(Duration::from_millis(300)).await.is_none());
        }
    }
    // What it read before it watched, and what came while it did.
    let mut stream = gateway.admin.event_stream("/v1/events", all[0]["id"].as_str()).await;
    let second = waiting_device(&gateway.admin).await;
    let events =
        stream.until(|event| event["type"] == "qr.generated" && event["deviceId"] == second.as_str());
    let events = events.await;
    let mut logged = history(&gateway.admin, "").await;
    logged.reverse();
    assert_eq!(events, logged[1..]);
}

#[tokio::test]
async fn a_stream_without_a_last_event_begins_now_and_takes_filters() {
    let gateway = Gateway::start().await;
    let first = waiting_device(&gateway.admin).await;
    logged(&gateway.admin, &first, 3).await;
    let mut all = gateway.admin.event_stream("/v1/events", None).await;
    let mut qr = gateway.admin.event_stream("/v1/events?types=qr.*", None).await;
    let mut of_first = gateway.admin.event_stream(&format!("/v1/events?deviceId={first}"), None).await;
    let second = waiting_device(&gateway.admin).await;
    let event = all.event().await;
    assert_eq!((&event["deviceId"], &event["type"]), (&json!(second), &json!("device.status")));
    let event = qr.event().await;
    assert_eq!((&event["deviceId"], &event["type"]), (&json!(second), &json!("qr.generated")));
    assert!(of_first.event_within(Duration::from_millis(500)).await.is_none());
    let wrong = gateway.admin.get("/v1/events?types=mess").await;
    wrong.expect_problem(422, "validation_failed").naming("types", "type_unknown");
    let request = gateway.admin.request(Method::GET, "/v1/events").header("last-event-id", "17");
    let wrong = gateway.admin.send(request).await;
    wrong.expect_problem(422, "validation_failed").naming("lastEventId", "id_invalid");
}

#[tokio::test]
async fn a_place_in_the_log_that_is_gone_is_told_of_and_the_oldest_event_comes_next() {
    let gateway = Gateway::start().await;
    let device = waiting_device(&gateway.admin).await;
    let mut all = logged(&gateway.admin, &device, 3).await;
    all.reverse();
    for id in ["evt_00000000010000000000000000", "evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"] {
        let mut stream = gateway.admin.event_stream("/v1/events", Some(id)).await;
        match stream.next().await {
            Some(Said::Event(name, data)) => assert_eq!((name.as_str(), &data["after"]), ("gap", &json!(id))),
            other => panic!("{other:?}"),
        }
        for expected in &all {
            assert_eq!(stream.event().await, *expected);
        }
    }
}

#[tokio::test]
async fn a_browser_shows_its_token_in_the_address_here_and_nowhere_else_and_no_log_has_it() {
    let gateway = Gateway::start_with(&[("KURIR_LOG", "debug")]).await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    gateway.admin.plan(&session["account"], "pro").await;
    let token = session["accessToken"].as_str().unwrap();
    let key = ani.post("/v1/api-keys", json!({"name": "events"})).await.expect(201).json;
    let key = key["key"].as_str().unwrap();
    for secret in [token, key] {
        let mut stream = gateway.api.event_stream(&format!("/v1/events?token={secret}"), None).await;
        let device = waiting_device(&ani).await;
        stream.until(|event| event["deviceId"] == device.as_str()).await;
        for path in ["/v1/events/history", "/v1/devices", "/v1/me"] {
            let answer = gateway.api.get(&format!("{path}?token={secret}")).await;
            answer.expect_problem(401, "unauthenticated");
        }
        assert!(!gateway.log().contains(secret));
    }
    gateway.api.get("/v1/events?token=kur_wrong").await.expect_problem(401, "unauthenticated");
    gateway.api.get("/v1/events").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn another_tenants_events_are_not_there() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let mut stream = budi.event_stream("/v1/events", None).await;
    let device = waiting_device(&ani).await;
    let events = logged(&ani, &device, 3).await;
    assert!(history(&budi, "").await.is_empty());
    assert!(history(&budi, &format!("&deviceId={device}")).await.is_empty());
    assert!(stream.event_within(Duration::from_secs(1)).await.is_none());
    // Somebody else's place in the log is a place in nobody's.
    let mut stream = budi.event_stream("/v1/events", events[0]["id"].as_str()).await;
    assert!(matches!(stream.next().await, Some(Said::Event(name, _)) if name == "gap"));
    assert!(stream.event_within(Duration::from_millis(300)).await.is_none());
}

#[tokio::test]
async fn who_may_only_look_sees_no_qr_codes() {
    let gateway = Gateway::start().await;
    let key =
        gateway.admin.post("/v1/api-keys", json!({"name": "screen", "role": "readonly"})).await.expect(201);
    let screen = gateway.api.with_key(key.json["key"].as_str().unwrap());
    let mut stream = screen.event_stream("/v1/events", None).await;
    let device = waiting_device(&gateway.admin).await;
    logged(&gateway.admin, &device, 3).await;
    assert_eq!(stream.event().await["data"]["status"], "connecting");
    assert_eq!(stream.event().await["data"]["status"], "qr");
    assert!(stream.event_within(Duration::from_millis(500)).await.is_none());
    assert_eq!(types(&history(&screen, "").await), ["device.status", "device.status"]);
}

#[tokio::test]
async fn a_silent_stream_says_so_every_fifteen_seconds() {
    let gateway = Gateway::start().await;
    let mut stream = gateway.admin.event_stream("/v1/events?types=message.*", None).await;
    let began = Instant::now();
    // Events that it does not want do not put it off.
    waiting_device(&gateway.admin).await;
    assert!(matches!(stream.next().await, Some(Said::Comment(_))));
    let waited = began.elapsed();
    assert!((Duration::from_secs(14)..Duration::from_secs(25)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_tenant_has_a_hundred_streams_and_a_stop_ends_them_at_once() {
    let mut gateway = Gateway::start().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(gateway.admin.event_stream("/v1/events", None).await);
    }
    let refused = gateway.admin.get("/v1/events").await.expect_problem(429, "rate_limited");
    assert_ne!(refused.header("retry-after"), "");
    drop(streams.pop());
    let room = eventually("room for another", async || {
        let request = gateway.admin.request(Method::GET, "/v1/events");
        let response = request.send().await.unwrap();
        response.status().is_success().then_some(response)
    });
    drop(room.await);
    let began = Instant::now();
    let status = gateway.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    for stream in &mut streams {
        // On a slow machine a comment came before.
        while let Some(said) = stream.next().await {
            assert!(matches!(said, Said::Comment(_)), "{said:?}");
        }
    }
}

#[tokio::test]
async fn whose_tokens_are_ended_is_sent_away() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let mut stream = ani.event_stream("/v1/events", None).await;
    ani.call("/v1/auth/logout-all").await.expect(204);
    // It is looked after every 30 s, and at the first look.
    let ended =
        tokio::time::timeout(Duration::from_secs(50), async { while stream.next().await.is_some() {} });
    ended.await.expect("the stream ends");
}
