//! What others feel of an attack: how long their requests and their deliveries take beside it, and the memory of the
//! gateway, as ratios to the quiet state before, in one run.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{
    StreamExt,
    future::{LocalBoxFuture, join_all},
    stream,
};
use serde_json::json;
use tests::{Answers, Api, Gateway, Receiver, signals};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    report::{Table, percentile},
    sizes::Sizes,
};

/// Anonymous logins at once.
const LOGINS: usize = 150;
/// Tenants whose receivers never answer, with so many webhooks and deliveries each.
const SILENT_TENANTS: usize = 5;
const SILENT_WEBHOOKS: usize = 4;
const SILENT_DELIVERIES: usize = 60;
/// Forbidden calls, so many at a time.
const FORBIDDEN: usize = 1_500;
const FORBIDDEN_AT_A_TIME: usize = 50;
/// Sockets that say nothing.
const IDLE_SOCKETS: usize = 1_000;

/// How often the other tenant asks and is delivered to.
const EVERY: Duration = Duration::from_millis(100);

/// How long what an attack left is waited for before the next one.
const REST: Duration = Duration::from_secs(20);

/// Somebody who has nothing to do with it.
struct Bystander {
    api: Api,
    webhook: String,
    receiver: Receiver,
    pid: u32,
}

/// What it felt.
struct Felt {
    /// Requests, in milliseconds.
    requests: Vec<f64>,
    /// From a request for a delivery to its arrival, in milliseconds.
    deliveries: Vec<f64>,
    /// Requests that were not answered as they should.
    failed: usize,
    /// The most memory that the gateway had, in KiB.
    resident: u64,
}

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "1")]).await;
    let silent = Receiver::start().await;
    silent.answers([Answers::After(Duration::from_secs(3_600), 204)]);
    let tenants = silent_tenants(&gateway, &silent).await;
    let key = json!({"name": "reader", "role": "readonly"});
    let key = tenants[0].0.post("/v1/api-keys", key).await.expect(201).json;
    let reader = gateway.api.with_key(key["key"].as_str().expect("a key"));
    let bystander = Bystander::new(&gateway).await;
    let seconds = Duration::from_secs(sizes.attack_seconds as u64);
    sleep(REST).await;

    let mut quiet = bystander.feels(sleep(seconds), seconds).await;
    let mut table = Table::new(&[
        "",
        "requests p99, ms",
        "to quiet",
        "deliveries p99, ms",
        "to quiet",
        "not answered well",
        "most resident, MiB",
        "to quiet",
    ]);
    let base = quiet.figures();
    table.row(&quiet.row("quiet", base));
    let attacks: [(&str, LocalBoxFuture<'_, ()>); 4] = [
        ("150 anonymous logins at once", Box::pin(logins(&gateway))),
        ("five tenants with silent receivers", Box::pin(deliveries(&tenants))),
        ("1,500 forbidden calls", Box::pin(forbidden(&reader))),
        ("1,000 idle sockets", Box::pin(idle_sockets(&gateway, seconds))),
    ];
    for (name, attack) in attacks {
        let mut felt = bystander.feels(attack, seconds).await;
        println!("{name}: {} requests, {} deliveries", felt.requests.len(), felt.deliveries.len());
        table.row(&felt.row(name, base));
        sleep(REST).await;
    }
    vec![
        format!(
            "Another tenant asks for its account and has an event delivered every {} ms, while an attack begins and for \
             at least {} s from then on. The attackers, the receivers and the gateway with its store share the machine. \
             Between attacks there are {} s of rest; the silent receivers are tried again in the later rows, too.",
            EVERY.as_millis(),
            sizes.attack_seconds,
            REST.as_secs()
        ),
        table.text(),
    ]
}

impl Bystander {
    async fn new(gateway: &Gateway) -> Self {
        let (api, session) = gateway.api.register("bystander@example.com").await;
        gateway.admin.plan(&session["account"], "enterprise").await;
        let receiver = Receiver::start().await;
        let webhook = api.webhook(&receiver.url, &["*"]).await;
        let webhook = webhook["id"].as_str().expect("an id").to_owned();
        Self { api, webhook, receiver, pid: gateway.pid() }
    }

    /// What it feels until an attack is over, and at least for this long.
    async fn feels(&self, attack: impl Future<Output = ()>, least: Duration) -> Felt {
        let is_over = AtomicBool::new(false);
        let attacking = async {
            tokio::join!(attack, sleep(least));
            is_over.store(true, Ordering::Relaxed);
        };
        let asking = async {
            let (mut times, mut failed) = (Vec::new(), 0);
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = self.api.try_send(self.api.request(reqwest::Method::GET, "/v1/me")).await;
                failed += usize::from(!answer.is_ok_and(|answer| answer.status == 200));
                times.push(began.elapsed().as_secs_f64() * 1_000.0);
                sleep(EVERY).await;
            }
            (times, failed)
        };
        let taking = async {
            let mut times = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let (before, began) = (self.receiver.calls().len(), Instant::now());
                let path = format!("/v1/webhooks/{}/test", self.webhook);
                let asked = self.api.try_send(self.api.request(reqwest::Method::POST, &path)).await;
                if asked.is_ok_and(|answer| answer.status == 202) {
                    let arrives = async {
                        while self.receiver.calls().len() <= before {
                            sleep(Duration::from_millis(5)).await;
                        }
                    };
                    // One that does not come in a minute counts as one that took a minute.
                    drop(tokio::time::timeout(Duration::from_secs(60), arrives).await);
                    times.push(began.elapsed().as_secs_f64() * 1_000.0);
                }
                sleep(EVERY).await;
            }
            times
        };
        let watching = async {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(signals::resident_kib(self.pid));
                sleep(EVERY).await;
            }
            most
        };
        let ((), (requests, failed), deliveries, resident) =
            tokio::join!(attacking, asking, taking, watching);
        Felt { requests, deliveries, failed, resident }
    }
}

impl Felt {
    /// Requests' and deliveries' 99th percentile, and memory.
    fn figures(&mut self) -> [f64; 3] {
        let mib = self.resident as f64 / 1024.0;
        [percentile(&mut self.requests, 0.99), percentile(&mut self.deliveries, 0.99), mib]
    }

    fn row(&mut self, name: &str, quiet: [f64; 3]) -> [String; 8] {
        let figures = self.figures();
        let ratio = |at: usize| format!("{:.1}", figures[at] / quiet[at]);
        [
            name.to_owned(),
            format!("{:.0}", figures[0]),
            ratio(0),
            format!("{:.0}", figures[1]),
            ratio(1),
            self.failed.to_string(),
            format!("{:.0}", figures[2]),
            ratio(2),
        ]
    }
}

/// Tenants with webhooks at a receiver, by their ids.
async fn silent_tenants(gateway: &Gateway, receiver: &Receiver) -> Vec<(Api, Vec<String>)> {
    let mut tenants = Vec::new();
    for n in 0..SILENT_TENANTS {
        let (api, _) = gateway.api.register(&format!("silent{n}@example.com")).await;
        let made = join_all((0..SILENT_WEBHOOKS).map(|_| api.webhook(&receiver.url, &["*"]))).await;
        let ids = made.iter().map(|webhook| webhook["id"].as_str().expect("an id").to_owned()).collect();
        tenants.push((api, ids));
    }
    tenants
}

/// Many who try accounts that there are not. What they are answered does not matter.
async fn logins(gateway: &Gateway) {
    let logins = (0..LOGINS).map(async |n| {
        let body = json!({"email": format!("nobody{n}@example.com"), "password": "wrong horse battery"});
        let request = gateway.api.request(reqwest::Method::POST, "/v1/auth/login").json(&body);
        drop(gateway.api.try_send(request).await);
    });
    join_all(logins).await;
}

async fn deliveries(tenants: &[(Api, Vec<String>)]) {
    let attacks = tenants.iter().map(async |(api, webhooks)| {
        for n in 0..SILENT_DELIVERIES {
            let path = format!("/v1/webhooks/{}/test", webhooks[n % webhooks.len()]);
            drop(api.try_send(api.request(reqwest::Method::POST, &path)).await);
        }
    });
    join_all(attacks).await;
}

/// Calls of a reader that only others may make.
async fn forbidden(reader: &Api) {
    let calls = stream::iter(0..FORBIDDEN).map(async |_| {
        let request = reader.request(reqwest::Method::POST, "/v1/devices").json(&json!({"name": "x"}));
        drop(reader.try_send(request).await);
    });
    calls.buffer_unordered(FORBIDDEN_AT_A_TIME).collect::<Vec<()>>().await;
}

/// Sockets that are opened and then silent for a while, as many of them as are let in.
async fn idle_sockets(gateway: &Gateway, span: Duration) {
    let address = ("127.0.0.1", gateway.port);
    let opened = stream::iter(0..IDLE_SOCKETS).map(async |_| TcpStream::connect(address).await.ok());
    let sockets: Vec<_> = opened.buffer_unordered(FORBIDDEN_AT_A_TIME).collect().await;
    println!("{} sockets are open", sockets.iter().flatten().count());
    sleep(span).await;
}
