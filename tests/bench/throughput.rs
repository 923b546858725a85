//! Messages a second and processor time, through the whole path and with the protocol library alone.

use std::time::Duration;

use tests::{Fleet, Gateway, Load, Progress, signals};
use tokio::time::Instant;

use crate::{library::Library, quiet, report::Table, sizes::Sizes};

/// To whom each device writes.
const RECEIVERS: usize = 2;

/// What one run took.
struct Run {
    messages: usize,
    seconds: f64,
    /// Of the connector, or of the process with the library.
    sender_cpu: f64,
    /// Of the process with functions, store and sandbox.
    parent_cpu: f64,
    /// Of the client, which is this process.
    client_cpu: f64,
}

impl Run {
    fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// Seconds of the sender per 1,000 messages.
    fn per_thousand(&self) -> f64 {
        1_000.0 * self.sender_cpu / self.messages as f64
    }

    fn share(&self, of: f64) -> String {
        format!("{:.0} %", 100.0 * of / (self.sender_cpu + self.parent_cpu + self.client_cpu))
    }
}

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "1")]).await;
    let connector = quiet::connector_of(&gateway).await;
    let mut fleet = Fleet::link(&gateway, 0, RECEIVERS).await;
    let mut table = Table::new(&[
        "devices",
        "messages",
        "Kurir: messages/s",
        "library alone: messages/s",
        "Kurir: CPU s of the connector per 1,000",
        "library alone: CPU s per 1,000",
        "ratio of CPU",
    ]);
    let mut shares =
        Table::new(&["devices", "sender", "connector or library", "functions, store and sandbox", "client"]);
    for devices in &sizes.devices {
        fleet.grow(&gateway, *devices).await;
        let per_chat = (sizes.messages / (devices * RECEIVERS)).max(1);
        let whole = whole_path(&gateway, connector, &fleet, *devices, per_chat).await;
        println!(
            "{devices} devices, whole path: {:.0}/s, {:.2} s per 1,000",
            whole.rate(),
            whole.per_thousand()
        );
        let alone = library_alone(&gateway, &fleet, *devices, per_chat).await;
        println!(
            "{devices} devices, library: {:.0}/s, {:.2} s per 1,000",
            alone.rate(),
            alone.per_thousand()
        );
        table.row(&[
            devices.to_string(),
            whole.messages.to_string(),
            format!("{:.0}", whole.rate()),
            format!("{:.0}", alone.rate()),
            format!("{:.2}", whole.per_thousand()),
            format!("{:.2}", alone.per_thousand()),
            format!("{:.2}", whole.per_thousand() / alone.per_thousand()),
        ]);
        for (name, run) in [("Kurir", &whole), ("library alone", &alone)] {
            shares.row(&[
                devices.to_string(),
                name.to_owned(),
                run.share(run.sender_cpu),
                run.share(run.parent_cpu),
                run.share(run.client_cpu),
            ]);
        }
    }
    vec![
        "Messages through the whole path with pacing zero, from the first request to the last message at the \
         sandbox, and beside it the protocol library alone (keys in memory, no queue), which sends to the same \
         sandbox the same way: one message of a device at a time, the next when the server has acknowledged \
         the one before. Processor time runs on until what follows (receipts, statuses) is written."
            .to_owned(),
        table.text(),
        "Who used the processor time:".to_owned(),
        shares.text(),
    ]
}

async fn whole_path(
    gateway: &Gateway,
    connector: u32,
    fleet: &Fleet,
    devices: usize,
    per_chat: usize,
) -> Run {
    let load = |name: &str, per_chat| Load {
        name: format!("{name}{devices}"),
        per_chat,
        pause: Duration::ZERO,
        seed: 1,
    };
    // The first message of a chat asks for keys and makes a session.
    let before = quiet::taken(gateway).await;
    fleet.send(&load("first", 1), &Progress::default()).await;
    quiet::until_taken(gateway, before + (devices * RECEIVERS) as u64).await;
    quiet::processes(&[connector, gateway.pid()]).await;

    let messages = devices * RECEIVERS * per_chat;
    let before = quiet::taken(gateway).await;
    let watch = Watch::start(connector, gateway.pid());
    fleet.send(&load("measured", per_chat), &Progress::default()).await;
    quiet::until_taken(gateway, before + messages as u64).await;
    watch.end(messages).await
}

async fn library_alone(gateway: &Gateway, fleet: &Fleet, clients: usize, per_chat: usize) -> Run {
    let numbers: Vec<String> = fleet.receivers.iter().map(|phone| phone.number.clone()).collect();
    let mut library = Library::link(gateway, clients).await;
    library.send(1, "first", &numbers).await;
    quiet::processes(&[library.pid(), gateway.pid()]).await;
    let watch = Watch::start(library.pid(), gateway.pid());
    library.send(per_chat, "alone", &numbers).await;
    watch.end(clients * RECEIVERS * per_chat).await
}

/// Watches the processor time of three processes.
struct Watch {
    began: Instant,
    pids: [u32; 3],
    before: [f64; 3],
}

impl Watch {
    fn start(sender: u32, parent: u32) -> Self {
        let pids = [sender, parent, std::process::id()];
        Self { began: Instant::now(), pids, before: pids.map(signals::cpu_seconds) }
    }

    async fn end(self, messages: usize) -> Run {
        let seconds = self.began.elapsed().as_secs_f64();
        let client = signals::cpu_seconds(self.pids[2]) - self.before[2];
        quiet::processes(&self.pids[..2]).await;
        let cpu = |at: usize| signals::cpu_seconds(self.pids[at]) - self.before[at];
        Run { messages, seconds, sender_cpu: cpu(0), parent_cpu: cpu(1), client_cpu: client }
    }
}
