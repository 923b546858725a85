//! How many messages the sandbox carries: `cargo bench -p localstack --features sandbox`. It shares the
//! machine with its clients, so the figures are floors.
#![cfg(feature = "sandbox")]
#![allow(dead_code, reason = "the tests use the rest of what is shared with them")]

#[path = "../../tests/sandbox/net.rs"]
mod net;

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};

use net::{Client, Net, jid};

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn main() {
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
