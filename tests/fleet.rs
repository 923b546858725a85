//! Many linked devices and the phones that they write to, and a load of messages between them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Answer, Api, Gateway, Ledger, Phone, ledger::Accepted, within};

/// How many are linked at a time.
const AT_ONCE: usize = 8;

/// How long linking one may take.
const LINK_PATIENCE: Duration = Duration::from_secs(120);

/// A device of the gateway and the phone that it is linked to.
#[derive(Debug, Clone)]
pub struct Linked {
    pub device: String,
    pub phone: Phone,
}

/// Linked devices without pacing, and receivers.
pub struct Fleet {
    /// Whose devices they are.
    pub owner: Api,
    pub devices: Vec<Linked>,
    pub receivers: Vec<Phone>,
}

/// What is to be sent: every device writes to every receiver.
#[derive(Debug, Clone)]
pub struct Load {
    /// Makes idempotency keys, texts and pauses; two loads of one fleet need two names.
    pub name: String,
    /// Messages of each chat, in this order.
    pub per_chat: usize,
    /// About how long each chat waits between two messages.
    pub pause: Duration,
    pub seed: u64,
}

/// How far a load is.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicUsize>);

impl Progress {
    /// How many messages have been accepted.
    pub fn accepted(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Fleet {
    /// Makes phones, devices and receivers of the administrator, and links them.
    pub async fn link(gateway: &Gateway, devices: usize, receivers: usize) -> Self {
        Self::link_for(gateway, gateway.admin.clone(), devices, receivers).await
    }

    /// The same for another owner.
    pub async fn link_for(gateway: &Gateway, owner: Api, devices: usize, receivers: usize) -> Self {
        let receivers = (0..receivers).map(|n| gateway.phone_with(format!("62899{n:07}")));
        let mut fleet =
            Self { owner, devices: Vec::new(), receivers: futures::future::join_all(receivers).await };
        fleet.grow(gateway, devices).await;
        fleet
    }

    /// Links more devices until there are so many.
    pub async fn grow(&mut self, gateway: &Gateway, devices: usize) {
        let owner = &self.owner;
        let more: Vec<Linked> = stream::iter(self.devices.len()..devices)
            .map(async |n| link_one(gateway, owner, n).await)
            .buffered(AT_ONCE)
            .collect()
            .await;
        self.devices.extend(more);
    }

    /// Sends a load, each chat in its order, and repeats what is not accepted under the same idempotency key.
    /// Ends when everything is accepted.
    pub async fn send(&self, load: &Load, progress: &Progress) -> Ledger {
        let chats =
            self.devices.iter().enumerate().flat_map(|(d, from)| {
                self.receivers.iter().enumerate().map(move |(r, to)| ((d, from), (r, to)))
            });
        let chats = chats.map(async |((d, from), (r, to))| {
            let seed = load.seed ^ (d as u64) << 32 ^ r as u64;
            let mut rng = StdRng::seed_from_u64(seed);
            let mut accepted = Vec::new();
            for seq in 0..load.per_chat {
                tokio::time::sleep(load.pause.mul_f64(rng.random_range(0.0..2.0))).await;
                let key = format!("{}-{d}-{r}-{seq}", load.name);
                let text = format!("{} from {d} to {r}: number {seq}", load.name);
                let message = insist(&self.owner, &from.device, &to.number, &text, &key).await;
                progress.0.fetch_add(1, Ordering::Relaxed);
                let field = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
                accepted.push(Accepted {
                    device: from.device.clone(),
                    from: from.phone.number.clone(),
                    to: to.number.clone(),
                    seq,
                    text,
                    id: field("id"),
                    wa_message_id: field("waMessageId"),
                });
            }
            accepted
        });
        Ledger::of(futures::future::join_all(chats).await.into_iter().flatten().collect())
    }

    /// The sandbox's record of each device's sockets, by the number of its phone.
    pub async fn sockets(&self, gateway: &Gateway) -> HashMap<String, Vec<Value>> {
        let asked = self.devices.iter().map(async |linked| {
            let number = &linked.phone.number;
            let answer = gateway.api.get(&format!("/sandbox/phones/{number}/sockets")).await.expect(200);
            (number.clone(), answer.json["items"].as_array().expect("items").clone())
        });
        futures::future::join_all(asked).await.into_iter().collect()
    }

    /// How many devices have a socket now.
    pub async fn connected(&self, gateway: &Gateway) -> usize {
        let sockets = self.sockets(gateway).await;
        sockets.values().filter(|of| of.last().is_some_and(|socket| socket["endedAt"].is_null())).count()
    }
}

async fn link_one(gateway: &Gateway, owner: &Api, n: usize) -> Linked {
    let phone = gateway.phone_with(format!("62811{n:07}")).await;
    let device = owner.device(&format!("device {n}")).await;
    owner.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    let path = format!("/v1/devices/{device}/qr");
    let qr = within(LINK_PATIENCE, format!("a QR code of device {n}"), async || {
        let answer = owner.get(&path).await;
        (answer.status == 200).then(|| answer.json["qr"].as_str().expect("a text").to_owned())
    });
    let qr = qr.await;
    phone.scan(&qr).await;
    let path = format!("/v1/devices/{device}");
    within(LINK_PATIENCE, format!("device {n} is connected"), async || {
        (owner.get(&path).await.expect(200).json["status"] == "connected").then_some(())
    })
    .await;
    Linked { device, phone }
}

/// Sends a text until it is accepted: what a careful client does about errors 5xx and 429, answers that do not
/// come, and connections that break.
async fn insist(owner: &Api, device: &str, to: &str, text: &str, key: &str) -> Value {
    const PATIENCE: Duration = Duration::from_secs(120);
    let began = Instant::now();
    loop {
        match try_once(owner, device, to, text, key).await {
            Ok(answer) if answer.status == 202 => return answer.json,
            Ok(answer) if answer.status < 500 && answer.status != 429 => {
                panic!("{text:?} was refused: {} {}", answer.status, answer.json)
            }
            outcome => {
                let told = outcome.map(|answer| format!("{} {}", answer.status, answer.json));
                assert!(began.elapsed() < PATIENCE, "{text:?} is not accepted: {told:?}");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
    }
}

async fn try_once(
    owner: &Api,
    device: &str,
    to: &str,
    text: &str,
    key: &str,
) -> Result<Answer, reqwest::Error> {
    let body = json!({"to": to, "type": "text", "text": {"body": text}});
    let request = owner
        .request(reqwest::Method::POST, &format!("/v1/devices/{device}/messages"))
        .header("idempotency-key", key)
        .timeout(Duration::from_secs(30))
        .json(&body);
    owner.try_send(request).await
}
