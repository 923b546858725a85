use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, Timestamp};
use whatsapp_rust::{pair_code::PairCodeOptions, wacore::types::events::Event};

use super::net::{Client, Net, until};

const ALICE: &str = "6281234567890";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_linked_by_qr_code() {
    let net = Net::start().await;
    let phone = net.phone(&format!("+{ALICE}")).await;
    assert_eq!(phone["number"], ALICE);
    let client = Client::fresh(&net).await;
    let linked = client.link(&net, ALICE).await;
    assert_eq!(linked["n"], 1);
    assert_eq!(linked["jid"], format!("{ALICE}:1@s.whatsapp.net"));
    assert_eq!(linked["lid"], format!("{}:1@lid", phone["lid"].as_str().unwrap()));
    let links = net.links(ALICE).await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0]["connected"], true);
    let stats = net.get("/stats").await;
    assert_eq!(stats["connectedClients"], 1);
    assert_eq!(stats["unhandled"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_linked_by_pairing_code() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let client = Client::fresh(&net).await;
    client.qr().await;
    let options = PairCodeOptions { phone_number: ALICE.to_owned(), ..Default::default() };
    let code = client.library.pair_with_code(options).await.unwrap();
    let path = format!("/phones/{ALICE}/link-code");
    let with_dash = format!("{}-{}", &code[..4], code[4..].to_lowercase());
    let linked = net.post(&path, json!({"code": with_dash})).await;
    assert_eq!(linked["n"], 1);
    client.connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pairing_code_is_noticed() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let client = Client::fresh(&net).await;
    client.qr().await;
    let path = format!("/phones/{ALICE}/link-code");
    let (status, body) = net.call("POST", &path, json!({"code": "ABCD-1234"})).await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("link_unknown")));
    let options = PairCodeOptions { phone_number: ALICE.to_owned(), ..Default::default() };
    let code = client.library.pair_with_code(options).await.unwrap();
    let wrong = if code == "ABCD1234" { "ABCD1235" } else { "ABCD1234" };
    let (status, body) = net.call("POST", &path, json!({"code": wrong})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["code"], "code_wrong");
    let (status, body) = net.call("POST", &path, json!({"code": "short"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["code"], "code_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn foolish_scans_are_refused() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let scan = async |number: &str, qr: &str| {
        net.call("POST", &format!("/phones/{number}/scan"), json!({"qr": qr})).await
    };
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let (status, body) = scan(ALICE, "hello").await;
    assert_eq!(
        (status, &body["errors"][0]["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("qr_invalid"))
    );
    let (status, body) = scan(ALICE, &format!("2@nobody,{key},{key},{key},1")).await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("link_unknown")));
    let (status, body) = scan("15550001111", "hello").await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("phone_not_found")));

    let client = Client::fresh(&net).await;
    let qr = client.qr().await;
    let reference = qr.rsplit_once('#').map_or(qr.as_str(), |(_, fields)| fields).split(',').next().unwrap();
    let (status, body) = scan(ALICE, &format!("{reference},{key},{key},{key},1")).await;
    assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("qr_forged")));
    let (status, _) = scan(ALICE, &qr).await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = scan(ALICE, &qr).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("link_expired")));
}

/// A clock that a test moves forward.
#[derive(Default)]
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(SystemClock.now().unix_millis() + 1_000 * self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_grow_old() {
    let clock = Arc::new(Moved::default());
    let net = Net::start_at(clock.clone()).await;
    net.phone(ALICE).await;
    let client = Client::fresh(&net).await;
    let qr = client.qr().await;
    let options = PairCodeOptions { phone_number: ALICE.to_owned(), ..Default::default() };
    let code = client.library.pair_with_code(options).await.unwrap();
    // The first QR code is good for a minute, a pairing code for three.
    clock.0.store(70, Ordering::SeqCst);
    let (status, body) = net.call("POST", &format!("/phones/{ALICE}/scan"), json!({"qr": qr})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("link_expired")));
    clock.0.store(190, Ordering::SeqCst);
    let path = format!("/phones/{ALICE}/link-code");
    let (status, body) = net.call("POST", &path, json!({"code": code})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("link_expired")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_number_is_the_same_phone() {
    let net = Net::start().await;
    let wish = json!({"number": ALICE, "name": "Alice"});
    let (first, one) = net.call("POST", "/phones", wish.clone()).await;
    let (second, two) = net.call("POST", "/phones", wish).await;
    assert_eq!((first, second), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(one, two);
    let (status, body) = net.call("POST", "/phones", json!({"number": "12", "name": "x"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["field"], "number");
    assert_eq!(net.get("/phones").await["items"].as_array().unwrap().len(), 1);
    let (status, _) = net.call("GET", "/phones/15550001111", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_unlinks_a_client() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let client = Client::linked(&net, ALICE).await;
    let (status, _) = net.call("DELETE", &format!("/phones/{ALICE}/links/1"), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    client.event("logged out", |event| matches!(event, Event::LoggedOut(_))).await;
    assert!(net.links(ALICE).await.is_empty());
    let (status, _) = net.call("DELETE", &format!("/phones/{ALICE}/links/1"), Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_unlinked_while_away_is_turned_away() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let backend = Client::linked(&net, ALICE).await.stop().await;
    let (status, _) = net.call("DELETE", &format!("/phones/{ALICE}/links/1"), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let client = Client::start(&net, backend).await;
    client.event("logged out", |event| matches!(event, Event::LoggedOut(_))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_logs_itself_out() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let client = Client::linked(&net, ALICE).await;
    client.library.logout().await;
    net.unlinked(ALICE, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_replaces_the_first() {
    let net = Net::start().await;
    net.phone(ALICE).await;
    let first = Client::linked(&net, ALICE).await;
    // The device's row is saved with a delay; a clean reconnect has it written.
    first.library.reconnect_immediately().await;
    first.connected().await;
    let second = Client::start(&net, first.backend.clone()).await;
    first.event("replaced", |event| matches!(event, Event::StreamReplaced(_))).await;
    second.connected().await;
    until("one client", async || net.get("/stats").await["connectedClients"] == 1).await;
}
