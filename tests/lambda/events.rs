//! The functions of events: one that streams, and one that SQS drives.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Api, eventually};

use crate::{event::Event, function::Function, gateway, text};

/// Lambda's event with entries of `events.fifo`, each `(id, group, body)`.
fn sqs_event(entries: &[(&str, &str, &str)]) -> Value {
    let record = |(id, group, body): &(&str, &str, &str)| {
        json!({
            "messageId": id,
            "receiptHandle": format!("handle of {id}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1773342238000",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": group,
                "SenderId": "AIDAIO23YVJENQZJOL4VO",
                "MessageDeduplicationId": id,
                "ApproximateFirstReceiveTimestamp": "1773342238001",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:lambda-events.fifo",
            "awsRegion": "us-east-1",
        })
    };
    json!({"Records": entries.iter().map(record).collect::<Vec<_>>()})
}

/// An entry with the events of a tenant, each `(subject, may have come before)`.
fn block(tenant: &str, number: u32, events: &[(&str, bool)]) -> String {
    let events: Vec<Value> = events
        .iter()
        .map(|(of, again)| {
            let mut event = json!({
                "type": "message.received",
                "timestamp": "2026-03-12T19:03:58.000Z",
                "deviceId": "dev_01J00000000000000000000000",
                "data": {"id": of},
                "of": of,
            });
            if *again {
                event["maybeSince"] = json!("2026-03-12T19:03:58.000Z");
            }
            event
        })
        .collect();
    let id = format!("blk_01J0000000000000000000{number:04}");
    json!({"kind": "events.v1", "accountId": tenant, "blockId": id, "events": events}).to_string()
}

/// What a tenant's log has, oldest first.
async fn log_of(caller: &Api) -> Vec<String> {
    let page = caller.get("/v1/events/history?limit=100").await.expect(200).json;
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| text(&event["data"]["id"]).to_owned())
        .collect()
}

#[tokio::test]
async fn entries_of_the_queue_get_into_the_log_once_and_in_order_and_only_what_failed_comes_again() {
    let gateway = gateway().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let (budi, other) = gateway.api.register("budi@example.com").await;
    let (a, b) = (text(&session["account"]["tenantId"]), text(&other["account"]["tenantId"]));
    let mut log = Function::start("event_log", &gateway).await;
    let first = block(a, 1, &[("one", false), ("two", false)]);
    let entries = [("1", a, first.as_str()), ("2", b, &block(b, 2, &[("else", false)]))];
    let answer = log.give(sqs_event(&entries)).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    // The same entry again; an event that was told before, with one that was not; then one that cannot be read.
    let more = [
        ("3", a, first.as_str()),
        ("4", a, &block(a, 3, &[("two", true), ("three", true), ("three", true)])),
        ("5", a, "{\"kind\": \"events.v9\"}"),
        ("6", a, &block(a, 4, &[("five", false)])),
        ("7", b, &block(b, 5, &[("something", false)])),
    ];
    let answer = log.give(sqs_event(&more)).await;
    let again = json!({"batchItemFailures": [{"itemIdentifier": "5"}, {"itemIdentifier": "6"}]});
    assert_eq!(answer, again, "and what is behind it, so that the order stays");
    assert_eq!(log_of(&ani).await, ["one", "two", "three"]);
    assert_eq!(log_of(&budi).await, ["else", "something"]);

    // Another environment of the function, which remembers nothing.
    let mut another = Function::start("event_log", &gateway).await;
    let rest = [("6", a, &*block(a, 4, &[("five", false)])), ("3", a, first.as_str())];
    assert_eq!(another.give(sqs_event(&rest)).await, json!({"batchItemFailures": []}));
    assert_eq!(log_of(&ani).await, ["one", "two", "three", "five"]);
    // The first one does not know of that yet.
    let next = block(a, 6, &[("six", false)]);
    assert_eq!(log.give(sqs_event(&[("8", a, &next)])).await, json!({"batchItemFailures": []}));
    assert_eq!(log_of(&ani).await, ["one", "two", "three", "five", "six"]);
    let nobody = "ten_01J00000000000000000000000";
    let answer = log.give(sqs_event(&[("9", nobody, &block(nobody, 7, &[("x", false)]))])).await;
    assert_eq!(answer, json!({"batchItemFailures": []}), "of a tenant that is gone nothing is kept");
}

#[tokio::test]
async fn a_stream_goes_out_while_events_happen_and_ends_before_lambda_ends_it() {
    let gateway = gateway().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let mut events = Function::start("events", &gateway).await;
    let device = ani.device("shop").await;
    let path = format!("/v1/events?types=device.*&token={}", text(&session["accessToken"]));
    let acting = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ani.qr(&device).await;
    };
    let ask = Event::get(&path);
    let (answer, ()) = tokio::join!(events.stream(&ask, Duration::from_secs(10)), acting);
    assert_eq!(answer["prelude"]["statusCode"], 200, "{answer}");
    assert_eq!(answer["prelude"]["headers"]["content-type"], "text/event-stream");
    let chunks = answer["chunks"].as_array().unwrap();
    let told: Vec<&Value> =
        chunks.iter().filter(|chunk| text(&chunk["text"]).contains("event: device")).collect();
    assert!(!told.is_empty(), "{answer}");
    let (at, end) = (told[0]["atMs"].as_u64().unwrap(), answer["endMs"].as_u64().unwrap());
    assert!(at + 1500 < end, "it did not wait for the end: {at} of {end} ms");
    assert!((5000..9500).contains(&end), "it ended by itself, in time: {end} ms");

    // What follows its first event, from another request.
    let all: String = chunks.iter().map(|chunk| text(&chunk["text"])).collect();
    let first = all.split("id: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    let again = Event::get(&path).header("last-event-id", first);
    let answer = events.stream(&again, Duration::from_secs(5)).await;
    let told: String =
        answer["chunks"].as_array().unwrap().iter().map(|chunk| text(&chunk["text"])).collect();
    assert!(told.contains("\"status\":\"qr\"") && !told.contains("\"status\":\"connecting\""), "{told}");
    assert!(!events.log().contains(text(&session["accessToken"])), "the token is in no log");

    let refused = events.stream(&Event::get("/v1/events?token=kur_wrong"), Duration::from_secs(5)).await;
    assert_eq!(refused["prelude"]["statusCode"], 401);
    eventually("the log has them", async || (log_of_types(&ani).await.len() >= 3).then_some(())).await;
}

async fn log_of_types(caller: &Api) -> Vec<Value> {
    caller.get("/v1/events/history").await.expect(200).json["items"].as_array().unwrap().clone()
}
