//! Who has credentials that should not work any more, or that are worth less than what they are used for.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Api, EventStream, Gateway};
use tokio::time::{Instant, timeout};

/// A key of a caller, and the API for who has it.
async fn key(owner: &Api, body: Value) -> (String, Api) {
    let made = owner.post("/v1/api-keys", body).await.expect(201).json;
    (made["id"].as_str().unwrap().to_owned(), owner.with_key(made["key"].as_str().unwrap()))
}

async fn ends_within(stream: &mut EventStream, seconds: u64) -> Duration {
    let began = Instant::now();
    let end = async { while stream.next().await.is_some() {} };
    timeout(Duration::from_secs(seconds), end).await.expect("the stream ends");
    began.elapsed()
}

#[tokio::test]
async fn a_revoked_key_and_a_login_that_ended_keep_no_stream_and_others_do() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    let other = gateway.api.post("/v1/auth/login", login).await.expect(200).json;
    let other = gateway.api.with_token(other["accessToken"].as_str().unwrap());
    let (id, revoked) = key(&ani, json!({"name": "revoked"})).await;
    let (_, kept) = key(&ani, json!({"name": "kept"})).await;
    let mut ended =
        [revoked.event_stream("/v1/events", None).await, ani.event_stream("/v1/events", None).await];
    let mut going_on =
        [kept.event_stream("/v1/events", None).await, other.event_stream("/v1/events", None).await];
    // They are looked at when the first begins, and from then on as often as ever.
    tokio::time::sleep(Duration::from_secs(2)).await;
    other.delete(&format!("/v1/api-keys/{id}")).await.expect(204);
    gateway.api.post("/v1/auth/logout", json!({"refreshToken": session["refreshToken"]})).await.expect(204);
    let began = Instant::now();
    for stream in &mut ended {
        ends_within(stream, 30).await;
    }
    assert!(began.elapsed() < Duration::from_secs(30));
    let device = other.device("x").await;
    other.qr(&device).await;
    for stream in &mut going_on {
        assert_eq!(stream.event().await["deviceId"], device.as_str());
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_key_expires() {
    let gateway = Gateway::start().await;
    let (_, short) = key(&gateway.admin, json!({"name": "short", "expiresAt": tests::in_seconds(5)})).await;
    let mut stream = short.event_stream("/v1/events", None).await;
    let lasted = ends_within(&mut stream, 15).await;
    assert!(lasted < Duration::from_secs(7), "{lasted:?}");
    short.get("/v1/events").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_lower_key_touches_neither_higher_keys_nor_logins_of_its_owner() {
    let gateway = Gateway::start().await;
    let (boss, _) = gateway.admin.member(&gateway.api, "b@example.com", "admin").await;
    let (high_id, high) = key(&boss, json!({"name": "high"})).await;
    let (low_id, low) = key(&boss, json!({"name": "low", "role": "user"})).await;
    low.delete(&format!("/v1/api-keys/{high_id}")).await.expect_problem(403, "forbidden");
    low.call("/v1/auth/logout-all").await.expect_problem(403, "forbidden");
    low.post("/v1/api-keys", json!({"name": "x", "role": "operator"})).await.expect(422);
    high.get("/v1/admin/tenants").await.expect(200);
    boss.get("/v1/admin/tenants").await.expect(200);
    // A key of its own role, and itself, it may revoke; a higher one may all that.
    let (peer_id, _) = key(&boss, json!({"name": "peer", "role": "user"})).await;
    low.delete(&format!("/v1/api-keys/{peer_id}")).await.expect(204);
    low.delete(&format!("/v1/api-keys/{low_id}")).await.expect(204);
    high.call("/v1/auth/logout-all").await.expect(204);
    boss.get("/v1/admin/tenants").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn access_tokens_end_with_their_login() {
    let gateway = Gateway::start().await;
    let (_, first) = gateway.api.register("ani@example.com").await;
    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    let refresh = async |session: &Value| {
        gateway.api.post("/v1/auth/refresh", json!({"refreshToken": session["refreshToken"]})).await
    };
    let log_out = async |session: &Value| {
        gateway
            .api
            .post("/v1/auth/logout", json!({"refreshToken": session["refreshToken"]}))
            .await
            .expect(204)
    };
    let me = async |session: &Value| {
        gateway.api.with_token(session["accessToken"].as_str().unwrap()).get("/v1/me").await.status
    };
    // By logout.
    let second = gateway.api.post("/v1/auth/login", login.clone()).await.expect(200).json;
    assert_eq!((me(&first).await, me(&second).await), (200, 200));
    log_out(&first).await;
    assert_eq!((me(&first).await, me(&second).await), (401, 200));
    // By a refresh token that is used twice: the access tokens of both who have one.
    let third = refresh(&second).await.expect(200).json;
    assert_eq!((me(&second).await, me(&third).await), (200, 200));
    refresh(&second).await.expect_problem(401, "unauthenticated");
    assert_eq!((me(&second).await, me(&third).await), (401, 401));
    // By logout with a refresh token that was used.
    let fourth = gateway.api.post("/v1/auth/login", login).await.expect(200).json;
    let fifth = refresh(&fourth).await.expect(200).json;
    log_out(&fourth).await;
    assert_eq!(me(&fifth).await, 401);
    refresh(&fifth).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn to_look_whether_a_login_goes_on_costs_next_to_nothing() {
    let aws = tests::Aws::start(0).await;
    aws.proxy.count_units(true);
    let gateway = aws.gateway(&[]).await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    ani.get("/v1/me").await.expect(200);
    aws.proxy.reset();
    let began = Instant::now();
    for _ in 0..100 {
        ani.get("/v1/me").await.expect(200);
    }
    let counts = aws.proxy.counts();
    let read =
        |table: &str| counts.units.get(&(table.to_owned(), String::new())).map_or(0.0, |units| units.read);
    println!("accounts {}, refresh tokens {}", read("kurir-accounts"), read("kurir-refresh-tokens"));
    assert!(read("kurir-tenants") >= 100.0);
    assert!(read("kurir-accounts") >= 100.0);
    // Half a unit each five seconds.
    assert!(read("kurir-refresh-tokens") <= 1.0 + began.elapsed().as_secs_f64() / 5.0);
}
