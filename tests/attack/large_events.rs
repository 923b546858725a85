//! Who fills its log with large events and asks for what is not there.

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn a_page_of_the_log_in_which_nothing_is_wanted_ends_after_four_megabytes() {
    let gateway = Gateway::start().await;
    let me = gateway.admin.get("/v1/me").await.expect(200).json;
    let text = "x".repeat(300_000);
    let event = json!([{
        "type": "message.received",
        "timestamp": "2026-03-12T19:03:58.123Z",
        "deviceId": null,
        "data": {"text": {"body": text}},
    }]);
    for number in 1..=40 {
        let row = json!({
            "pk": {"S": me["tenantId"]},
            "sk": {"S": format!("{number:020}")},
            "at": {"N": (1_800_000_000_000_i64 + number).to_string()},
            "block": {"S": "blk_01M7XV57GBZ89BFE1MY4WYHDM6"},
            "ttl": {"N": "4000000000"},
            "events": {"S": event.to_string()},
        });
        gateway.put_row("events", &row).await;
    }
    let (mut pages, mut path) = (0, "/v1/events/history?types=message.failed".to_owned());
    loop {
        let page = gateway.admin.get(&path).await.expect(200).json;
        assert_eq!(page["items"], json!([]));
        pages += 1;
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/events/history?types=message.failed&cursor={cursor}");
    }
    // 12 MB, of which a page reads 4, and at most 1 more.
    assert!((3..=4).contains(&pages), "{pages} pages");
    // What is wanted is all there.
    let (mut found, mut path) = (0, "/v1/events/history?limit=100".to_owned());
    loop {
        let page = gateway.admin.get(&path).await.expect(200).json;
        found += page["items"].as_array().unwrap().len();
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/events/history?limit=100&cursor={cursor}");
    }
    assert_eq!(found, 40);
}
