//! Plans and quotas.

use serde_json::{Value, json};
use tests::{Answer, Api, Aws, Gateway, eventually};

/// A gateway whose plan `basic` has these limits.
async fn with_plan(limits: &str) -> (Gateway, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plans.toml");
    std::fs::write(&file, format!("[basic]\nauditDays = 1\n{limits}\n[big]\nauditDays = 1\n")).unwrap();
    (Gateway::start_with(&[("KURIR_PLANS_FILE", file.to_str().unwrap())]).await, folder)
}

async fn all_at_once(count: usize, request: impl AsyncFn(usize) -> Answer) -> Vec<Answer> {
    futures::future::join_all((0..count).map(|n| request(n))).await
}

fn accepted(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

async fn used(caller: &Api, name: &str) -> Value {
    let usage = caller.get("/v1/usage").await.expect(200).json;
    let limits = usage["limits"].as_array().unwrap().clone();
    limits.into_iter().find(|limit| limit["name"] == name).unwrap_or_default()
}

#[tokio::test]
async fn of_fifty_parallel_messages_against_a_limit_of_ten_ten_are_accepted() {
    let (gateway, _file) = with_plan("rates.messages = [{ limit = 10, per = \"month\" }]").await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let device = ani.device("x").await;
    let path = format!("/v1/devices/{device}/messages");
    let answers = all_at_once(50, async |n| {
        let body = json!({"to": "+6281234567890", "type": "text", "text": {"body": format!("number {n}")}});
        ani.post(&path, body).await
    })
    .await;
    assert_eq!(accepted(&answers, 202), 10);
    for answer in answers.into_iter().filter(|answer| answer.status != 202) {
        let answer = answer.expect_problem(429, "quota_exceeded");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    }
    let stored = ani.get(&format!("/v1/devices/{device}/chats/6281234567890/messages?limit=100")).await;
    assert_eq!(stored.expect(200).json["items"].as_array().unwrap().len(), 10);
    let month = used(&ani, "messagesPerMonth").await;
    assert_eq!((&month["used"], &month["limit"]), (&json!(10), &json!(10)));
    assert!(month["resetsAt"].as_str().unwrap().ends_with("-01T00:00:00.000Z"), "{month}");
}

#[tokio::test]
async fn a_refused_or_repeated_message_does_not_count() {
    let (gateway, _file) = with_plan("rates.messages = [{ limit = 2, per = \"month\" }]").await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let device = ani.device("x").await;
    let path = format!("/v1/devices/{device}/messages");
    for _ in 0..3 {
        ani.post(&path, json!({"to": "nobody", "type": "text", "text": {"body": "x"}})).await.expect(422);
    }
    for _ in 0..3 {
        let body = json!({"to": "+6281234567890", "type": "text", "text": {"body": "once"}});
        let request = ani.request(reqwest::Method::POST, &path).header("idempotency-key", "a").json(&body);
        ani.send(request).await.expect(202);
    }
    assert_eq!(used(&ani, "messagesPerMonth").await["used"], 1);
    ani.send_text(&device, "+6281234567890", "second").await;
    let third = json!({"to": "+6281234567890", "type": "text", "text": {"body": "third"}});
    ani.post(&path, third).await.expect_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn api_calls_are_counted_exactly_and_every_answer_shows_how_it_stands() {
    let (gateway, _file) = with_plan("rates.apiCalls = [{ limit = 10, per = \"day\" }]").await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let first = ani.get("/v1/me").await.expect(200);
    assert_eq!(first.header("ratelimit-policy"), "\"apiCallsPerDay\";q=10;w=86400");
    assert!(first.header("ratelimit").starts_with("\"apiCallsPerDay\";r=9;t="), "{:?}", first.headers);
    let answers = all_at_once(50, async |_| ani.get("/v1/me").await).await;
    assert_eq!(accepted(&answers, 200), 9);
    let refused = ani.get("/v1/me").await.expect_problem(429, "rate_limited");
    assert!(refused.header("ratelimit").starts_with("\"apiCallsPerDay\";r=0;t="), "{:?}", refused.headers);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 86_400);
    // A bad request is a call, too: also one that its use case refuses.
    ani.post("/v1/devices/dev_x/messages", json!({})).await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn requests_at_once_are_counted_exactly_in_fewer_writes_than_there_are_requests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plans.toml");
    std::fs::write(&file, "[basic]\nauditDays = 1\nrates.apiCalls = [{ limit = 50, per = \"month\" }]\n")
        .unwrap();
    let aws = Aws::start(0).await;
    aws.proxy.count_units(true);
    let gateway = aws.gateway(&[("KURIR_PLANS_FILE", file.to_str().unwrap())]).await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    aws.proxy.reset();
    let answers = all_at_once(60, async |_| ani.get("/v1/me").await).await;
    assert_eq!((accepted(&answers, 200), accepted(&answers, 429)), (50, 10));
    let counts = aws.proxy.counts();
    let written = counts.units[&("kurir-counters".to_owned(), String::new())].write;
    assert!(written < 30.0, "{written} writes for 60 requests");
    // Each of them was shown a place of its own.
    let mut left: Vec<u32> = Vec::new();
    for answer in answers.iter().filter(|answer| answer.status == 200) {
        let (_, rest) = answer.header("ratelimit").split_once("r=").unwrap();
        left.push(rest.split(';').next().unwrap().parse().unwrap());
    }
    left.sort_unstable();
    assert_eq!(left, (0..50).collect::<Vec<_>>());
    ani.get("/v1/me").await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_plan_limits_how_many_devices_there_are_at_once() {
    let (gateway, _file) = with_plan("devices = 3").await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let answers =
        all_at_once(12, async |n| ani.post("/v1/devices", json!({"name": format!("d{n}")})).await).await;
    assert_eq!(accepted(&answers, 201), 3, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    ani.post("/v1/devices", json!({"name": "x"})).await.expect_problem(429, "quota_exceeded");
    let devices = used(&ani, "devices").await;
    assert_eq!((&devices["used"], &devices["limit"]), (&json!(3), &json!(3)));
    let listed = ani.get("/v1/devices").await.expect(200).json;
    let first = listed["items"][0]["id"].as_str().unwrap();
    ani.delete(&format!("/v1/devices/{first}")).await.expect(204);
    eventually("there is room again", async || {
        (ani.post("/v1/devices", json!({"name": "again"})).await.status == 201).then_some(())
    })
    .await;
    ani.post("/v1/devices", json!({"name": "x"})).await.expect_problem(429, "quota_exceeded");
    gateway.admin.plan(&session["account"], "big").await;
    ani.post("/v1/devices", json!({"name": "x"})).await.expect(201);
}

#[tokio::test]
async fn administrators_are_not_limited() {
    let (gateway, _file) = with_plan("devices = 0\nrates.apiCalls = [{ limit = 0, per = \"hour\" }]").await;
    gateway.admin.device("one").await;
    gateway.admin.device("two").await;
    let answer = gateway.admin.get("/v1/usage").await.expect(200);
    assert_eq!(answer.header("ratelimit"), "");
    let limits = answer.json["limits"].as_array().unwrap().clone();
    let devices = limits.iter().find(|limit| limit["name"] == "devices").unwrap();
    assert_eq!(devices, &json!({"name": "devices", "limit": null, "used": 2, "resetsAt": null}));
    let (ani, _) = gateway.api.register("ani@example.com").await;
    ani.get("/v1/me").await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn the_plans_are_shown() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let plans = ani.get("/v1/plans").await.expect(200).json;
    let names: Vec<_> = plans["items"].as_array().unwrap().iter().map(|plan| plan["name"].clone()).collect();
    assert_eq!(json!(names), json!(["basic", "enterprise", "max", "premium", "pro"]));
    assert_eq!(plans["items"][0]["devices"], 1);
    assert_eq!(plans["items"][0]["rates"]["messages"][0], json!({"limit": 100, "per": "hour"}));
}
