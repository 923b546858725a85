//! How much the sandbox bears. Slow, so only on request:
//! `cargo test -p localstack --features sandbox --test whatsapp load -- --ignored --nocapture`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::json;
use whatsapp_rust::wacore::store::InMemoryBackend;

use super::{
    net::{Client, Net, jid},
    process::{Process, call},
};

/// As many as `SANDBOX_CLIENTS` says, or 200.
fn wanted() -> u64 {
    std::env::var("SANDBOX_CLIENTS").ok().and_then(|wanted| wanted.parse().ok()).unwrap_or(200)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow"]
async fn idle_clients_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder, 0, 0).await;
    let before = process.memory();
    let (api, url) = (process.api, process.url());
    let clients: Vec<Client> = stream::iter(0..wanted())
        .map(|n| {
            let url = url.clone();
            async move {
                let number = format!("1666{n:07}");
                call(api, "POST", "/phones", &json!({"number": number, "name": number})).await.unwrap();
                let client = Client::connect(url, Arc::new(InMemoryBackend::new())).await;
                let qr = client.qr().await;
                call(api, "POST", &format!("/phones/{number}/scan"), &json!({"qr": qr})).await.unwrap();
                client.connected().await;
                client
            }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let stats = call(api, "GET", "/stats", &json!(null)).await.unwrap();
    assert_eq!(stats["connectedClients"], clients.len());
    let each = (process.memory() - before) / clients.len() as u64;
    println!("{} clients, {before} KiB before, {each} KiB each", clients.len());
    assert!(each < 150, "{each} KiB for an idle client");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow"]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn messages_go_through_quickly() {
    const MESSAGES: u64 = 1_000;
    let net = Net::start().await;
    for phone in 0..20 {
        net.phone(&format!("1666{phone:07}")).await;
    }
    let client = Client::linked(&net, "16660000000").await;

    let started = Instant::now();
    stream::iter(0..MESSAGES)
        .for_each_concurrent(8, async |n| {
            net.says(&format!("1666{:07}", 2 + n % 18), "16660000001", &format!("text {n}")).await;
        })
        .await;
    println!("phone to phone: {:.0} a second", MESSAGES as f64 / started.elapsed().as_secs_f64());

    let started = Instant::now();
    stream::iter(0..MESSAGES)
        .for_each_concurrent(8, async |n| {
            net.says(&format!("1666{:07}", 1 + n % 19), "16660000000", &format!("text {n}")).await;
        })
        .await;
    while client.heard().await.len() < MESSAGES as usize {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("phone to phone and client: {:.0} a second", MESSAGES as f64 / started.elapsed().as_secs_f64());

    let started = Instant::now();
    for n in 0..MESSAGES {
        client.says(&jid("16660000001"), &format!("up {n}")).await;
    }
    net.shown("16660000001", |message| message["text"]["body"] == format!("up {}", MESSAGES - 1)).await;
    println!(
        "client to phone and own phone: {:.0} a second",
        MESSAGES as f64 / started.elapsed().as_secs_f64()
    );
}
