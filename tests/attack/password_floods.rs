//! Who makes Kurir hash passwords, as many as it can.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Api, Gateway, eventually};
use tokio::time::Instant;

/// A gateway that believes who says to come from somewhere else.
pub async fn gateway() -> Gateway {
    Gateway::start_with(&[("KURIR_TRUSTED_PROXIES", "127.0.0.1")]).await
}

/// A POST from an address.
pub async fn post_from(api: &Api, ip: &str, path: &str, body: serde_json::Value) -> Answer {
    api.send(api.request(Method::POST, path).header("x-forwarded-for", ip).json(&body)).await
}

/// A line of `/proc/<pid>/status`, in MiB.
fn memory(gateway: &Gateway, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).expect("a size") / 1024
}

/// How long a caller waits for some of its own requests, the longest first, until `done`.
async fn waits(caller: &Api, least: usize, done: impl Fn() -> bool) -> Vec<Duration> {
    let mut waits = Vec::new();
    while waits.len() < least || !done() {
        let began = Instant::now();
        caller.get("/v1/devices").await.expect(200);
        waits.push(began.elapsed());
    }
    waits.sort_unstable_by(|a, b| b.cmp(a));
    waits
}

#[tokio::test]
async fn a_flood_of_logins_takes_little_memory_and_leaves_others_their_time() {
    let gateway = gateway().await;
    let quiet = waits(&gateway.admin, 50, || true).await[0];
    let before = memory(&gateway, "VmRSS");
    let flood = (0..150).map(|n| {
        let api = gateway.api.clone();
        let body = json!({"email": format!("stranger{n}@example.com"), "password": "a guess"});
        tokio::spawn(async move { post_from(&api, &format!("203.0.113.{n}"), "/v1/auth/login", body).await })
    });
    let flood: Vec<_> = flood.collect();
    let during = waits(&gateway.admin, 50, || flood.iter().all(|one| one.is_finished())).await;
    let (mut hashed, mut refused) = (0, 0);
    for one in flood {
        match one.await.unwrap() {
            answer if answer.status == 503 => {
                assert_eq!(answer.expect_problem(503, "busy").header("retry-after"), "1");
                refused += 1;
            }
            answer => {
                answer.expect_problem(401, "unauthenticated");
                hashed += 1;
            }
        }
    }
    assert!(hashed >= 10 && refused >= 10, "{hashed} were hashed, {refused} refused");
    let (peak, p95) = (memory(&gateway, "VmHWM"), during[during.len() / 20]);
    println!("quiet {quiet:?}, flood p95 {p95:?}, memory {before} MiB, peak {peak} MiB");
    // A hash takes 19 MiB: without bound it would be 2,850 MiB.
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    assert!(peak - before < 150 + 25 * cores, "{before} MiB became {peak} MiB");
    assert!(p95 < 40 * quiet.max(Duration::from_millis(25)), "{p95:?} in place of {quiet:?}");
    // Who was not even tried leaves no entry.
    let mut path = "/v1/audit-log?action=auth.login&limit=100".to_owned();
    let mut entries = 0;
    loop {
        let page = gateway.admin.get(&path).await.expect(200).json;
        entries += page["items"].as_array().unwrap().len();
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/audit-log?action=auth.login&limit=100&cursor={cursor}");
    }
    assert_eq!(entries, hashed);
    eventually("the memory is given back", async || {
        (memory(&gateway, "VmRSS") < before + 20 * cores + 60).then_some(())
    })
    .await;
}

#[tokio::test]
async fn accounts_are_not_registered_by_the_thousand_from_one_network() {
    let gateway = gateway().await;
    let register = async |ip: &str, n: u32| {
        let body = json!({"email": format!("a{n}@example.com"), "password": "correct horse", "name": "A"});
        post_from(&gateway.api, ip, "/v1/auth/register", body).await
    };
    for n in 0..20 {
        register(&format!("2001:db8:1:{n}::1"), n).await.expect(202);
    }
    let refused = register("2001:db8:1:ffff::1", 20).await.expect_problem(429, "rate_limited");
    let pause: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&pause), "{pause}");
    // Also for an address that has an account: the answer tells nothing.
    register("2001:db8:1:ffff::1", 0).await.expect_problem(429, "rate_limited");
    register("2001:db8:2::1", 21).await.expect(202);
    register("203.0.113.7", 22).await.expect(202);
}
