//! What a message costs at AWS: write units by table and index, and requests to the send queues. All of it is
//! counted at the endpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::json;
use tests::{Api, Aws, Counts, Fleet, Gateway, Load, Phone, Progress, within};

use crate::{quiet, report::Table, sizes::Sizes};

const DEVICES: usize = 20;
const RECEIVERS: usize = 2;
/// Messages that are alone on their way.
const LONE: usize = 10;
const PATIENCE: Duration = Duration::from_secs(300);

/// Where units went, by table and index, for each message.
type Places = BTreeMap<String, f64>;

/// Requests to the send queues, by operation, for each message.
type Queue = BTreeMap<String, f64>;

/// A gateway behind a proxy, and a tenant whose plan has limits, so that counting them costs what it costs.
struct Stage {
    aws: Aws,
    gateway: Gateway,
    fleet: Fleet,
}

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let per_chat = (sizes.messages / (DEVICES * RECEIVERS)).max(1);
    let one_shard = Stage::set(&[("KURIR_SHARDS", "1")]).await;
    let (_, _, queue) = one_shard.busy(per_chat).await;
    drop(one_shard);
    let stage = Stage::set(&[]).await;
    let background = stage.background().await;
    let (delivered, read, queues) = stage.busy(per_chat).await;
    let lone = stage.lone().await;
    let inbound = stage.inbound(20).await;
    let lone_inbound = stage.inbound(1).await;

    let both = |a: &Places, b: &Places| {
        let mut sum = a.clone();
        b.iter().for_each(|(place, units)| *sum.entry(place.clone()).or_default() += units);
        sum
    };
    let columns = [
        (format!("accept to read, {DEVICES} busy devices"), both(&delivered, &read)),
        ("of that, for the read receipt".to_owned(), read),
        ("accept to read, a lone message".to_owned(), lone),
        (format!("inbound, {DEVICES} busy devices"), inbound),
        ("inbound, a lone message".to_owned(), lone_inbound),
    ];
    let mut names = vec!["write units for each message"];
    names.extend(columns.iter().map(|(name, _)| name.as_str()));
    let mut table = Table::new(&names);
    let mut places: Vec<&String> = columns.iter().flat_map(|(_, places)| places.keys()).collect();
    places.sort();
    places.dedup();
    let cell = |units: Option<&f64>| units.map_or_else(|| "-".to_owned(), |units| format!("{units:.2}"));
    for place in places {
        let mut cells = vec![format!("`{place}`")];
        cells.extend(columns.iter().map(|(_, places)| cell(places.get(place))));
        table.row(&cells);
    }
    let mut cells = vec!["**together**".to_owned()];
    cells.extend(columns.iter().map(|(_, places)| format!("**{:.2}**", places.values().sum::<f64>())));
    table.row(&cells);
    vec![
        format!(
            "The tenant's plan is `max`, so that counting requests and messages is part of it. Every chat has \
             had its first message. The read receipts of the busy run come when everything has been \
             delivered. What is written without any message, leases and heartbeats of one connector, is left \
             out: {background:.0} units a minute."
        ),
        table.text(),
        format!(
            "Requests to the send queues for each message at {DEVICES} busy devices, from the first request \
             to the last message at the sandbox, with the default of four shards and with one. A receive of the \
             embedded queue brings one message of a device at most; one of SQS brings up to ten:"
        ),
        requests(&queues, &queue),
    ]
}

async fn tenant(gateway: &Gateway) -> Api {
    let (owner, session) = gateway.api.register("bench@example.com").await;
    gateway.admin.plan(&session["account"], "max").await;
    // A key does not expire in the middle.
    let key = owner.post("/v1/api-keys", json!({"name": "bench"})).await.expect(201).json;
    gateway.api.with_key(key["key"].as_str().expect("a key"))
}

impl Stage {
    /// A gateway whose devices have had their first messages, with nothing left to write.
    async fn set(env: &[(&str, &str)]) -> Self {
        let aws = Aws::start(1).await;
        let gateway = aws.gateway(&[&[("KURIR_CONNECTORS", "1")], env].concat()).await;
        let owner = tenant(&gateway).await;
        let fleet = Fleet::link_for(&gateway, owner, DEVICES, RECEIVERS).await;
        let stage = Self { aws, gateway, fleet };
        stage.first_messages().await;
        stage.aws.proxy.count_units(true);
        quiet::lanes(&stage.aws.proxy).await;
        stage
    }

    async fn first_messages(&self) {
        let first = Load { name: "first".into(), per_chat: 1, pause: Duration::ZERO, seed: 1 };
        let ledger = self.fleet.send(&first, &Progress::default()).await;
        ledger.arrives(&self.gateway, &self.fleet.owner, PATIENCE).await;
        for linked in &self.fleet.devices {
            for phone in &self.fleet.receivers {
                phone.send_text(&linked.phone.number, "first").await;
            }
        }
    }

    /// What is written in a minute without any message.
    async fn background(&self) -> f64 {
        self.aws.proxy.reset();
        tokio::time::sleep(Duration::from_secs(30)).await;
        2.0 * self.aws.proxy.counts().total().write
    }

    /// A load, then read receipts for all of it.
    async fn busy(&self, per_chat: usize) -> (Places, Places, Queue) {
        let load = Load { name: "busy".into(), per_chat, pause: Duration::ZERO, seed: 2 };
        let messages = DEVICES * RECEIVERS * per_chat;
        let before = quiet::taken(&self.gateway).await;
        self.aws.proxy.reset();
        let ledger = self.fleet.send(&load, &Progress::default()).await;
        quiet::until_taken(&self.gateway, before + messages as u64).await;
        let queues = queues(&self.aws.proxy.counts(), messages);
        quiet::lanes(&self.aws.proxy).await;
        let delivered = places(&self.aws.proxy.counts(), messages);

        self.aws.proxy.reset();
        for phone in &self.fleet.receivers {
            let ids = ledger.messages().iter().filter(|of| of.to == phone.number);
            phone.read(&ids.map(|of| of.wa_message_id.as_str()).collect::<Vec<_>>()).await;
        }
        quiet::store(&self.aws.proxy).await;
        let read = places(&self.aws.proxy.counts(), messages);
        // That it was all true; what asking costs is not counted any more.
        let arrived = ledger.arrives(&self.gateway, &self.fleet.owner, PATIENCE).await;
        assert_eq!(arrived.messages, messages);
        (delivered, read, queues)
    }

    /// Messages that are alone on their way, each from accept to read.
    async fn lone(&self) -> Places {
        quiet::store(&self.aws.proxy).await;
        self.aws.proxy.reset();
        for n in 0..LONE {
            let (linked, to) = (&self.fleet.devices[n % DEVICES], &self.fleet.receivers[0]);
            let text = format!("lone {n}");
            let message = self.fleet.owner.send_text(&linked.device, &to.number, &text).await;
            to.receives(&text).await;
            quiet::store(&self.aws.proxy).await;
            to.read(&[message["waMessageId"].as_str().expect("an id")]).await;
            quiet::store(&self.aws.proxy).await;
        }
        quiet::lanes(&self.aws.proxy).await;
        places(&self.aws.proxy.counts(), LONE)
    }

    /// Messages of phones to devices: many at a time, or each alone.
    async fn inbound(&self, devices: usize) -> Places {
        const EACH: usize = 10;
        quiet::store(&self.aws.proxy).await;
        self.aws.proxy.reset();
        let from = &self.fleet.receivers[0];
        for n in 0..EACH {
            let texts = self.fleet.devices.iter().take(devices).map(async |linked| {
                from.send_text(&linked.phone.number, &format!("inbound {devices} {n}")).await
            });
            futures::future::join_all(texts).await;
            if devices == 1 {
                quiet::store(&self.aws.proxy).await;
            }
        }
        quiet::store(&self.aws.proxy).await;
        let places = places(&self.aws.proxy.counts(), EACH * devices);
        for linked in self.fleet.devices.iter().take(devices) {
            self.holds(&linked.device, from, &format!("inbound {devices} {}", EACH - 1)).await;
        }
        places
    }

    async fn holds(&self, device: &str, from: &Phone, text: &str) {
        let path = format!("/v1/devices/{device}/chats/{}/messages?limit=100", from.number);
        within(PATIENCE, format!("{text:?} is stored"), async || {
            let page = self.fleet.owner.get(&path).await.expect(200).json;
            let items = page["items"].as_array().expect("items").iter();
            items.clone().any(|m| m["text"]["body"] == text).then_some(())
        })
        .await;
    }
}

/// Where the write units went, for each message.
fn places(counts: &Counts, messages: usize) -> Places {
    let written =
        counts.units.iter().filter(|((table, _), units)| units.write > 0.0 && !quiet::is_background(table));
    written
        .map(|((table, index), units)| {
            let table = table.trim_start_matches("kurir-");
            let place = if index.is_empty() { table.to_owned() } else { format!("{table}/{index}") };
            (place, units.write / messages as f64)
        })
        .collect()
}

fn queues(counts: &Counts, messages: usize) -> Queue {
    let mut by_operation = Queue::new();
    for ((_, operation, _), count) in
        counts.requests.iter().filter(|((service, _, queue), _)| service == "sqs" && queue.contains("sends"))
    {
        *by_operation.entry(operation.clone()).or_default() += *count as f64 / messages as f64;
    }
    by_operation
}

fn requests(four: &Queue, one: &Queue) -> String {
    let mut table = Table::new(&["request", "four shards", "one shard"]);
    let cell = |queue: &Queue, operation: &str| {
        queue.get(operation).map_or_else(|| "-".to_owned(), |count| format!("{count:.3}"))
    };
    let operations: BTreeSet<&String> = four.keys().chain(one.keys()).collect();
    for operation in operations {
        table.row(&[format!("`{operation}`"), cell(four, operation), cell(one, operation)]);
    }
    let all = |queue: &Queue| format!("**{:.3}**", queue.values().sum::<f64>());
    table.row(&["**together**".into(), all(four), all(one)]);
    table.text()
}
