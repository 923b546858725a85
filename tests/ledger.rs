//! What has been accepted, and whether it has arrived: everything, in the order of each chat, once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use serde_json::Value;
use shared::clock::Timestamp;
use tokio::time::Instant;

use crate::{Api, Gateway};

/// An accepted message.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub device: String,
    /// The number of the device's phone.
    pub from: String,
    pub to: String,
    /// Its place in its chat.
    pub seq: usize,
    /// No other message has the same.
    pub text: String,
    pub id: String,
    pub wa_message_id: String,
}

/// All that has been accepted.
#[derive(Debug, Default)]
pub struct Ledger(Vec<Accepted>);

/// What came of it, when nothing is wrong.
#[derive(Debug, Default)]
pub struct Arrived {
    /// How many arrived.
    pub messages: usize,
    /// How many came more than once under their id, which a phone shows once.
    pub replayed: usize,
    /// How many are on their phones, and the gateway does not know because a connector crashed.
    pub unconfirmed: usize,
    /// Those that the gateway says have failed, with the code.
    pub failed: Vec<(Accepted, String)>,
}

impl Ledger {
    pub(crate) fn of(accepted: Vec<Accepted>) -> Self {
        Self(accepted)
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages.
    pub fn messages(&self) -> &[Accepted] {
        &self.0
    }

    /// Puts another's messages behind one's own.
    pub fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Waits until the gateway has an end for every message, then compares what it says with what the phones
    /// show.
    ///
    /// # Panics
    /// With all that is wrong: messages without an end, lost ones, doubled ones, chats out of order, statuses
    /// that are not true.
    pub async fn arrives(&self, gateway: &Gateway, owner: &Api, patience: Duration) -> Arrived {
        self.arrives_after_crashes(gateway, owner, patience, &[]).await
    }

    /// The same when connectors crashed at these times: what the server took just before may stay `sent`, as the
    /// library confirms a receipt before the connector has written it.
    ///
    /// # Panics
    /// As [`Self::arrives`].
    pub async fn arrives_after_crashes(
        &self,
        gateway: &Gateway,
        owner: &Api,
        patience: Duration,
        crashes: &[Timestamp],
    ) -> Arrived {
        let began = Instant::now();
        let statuses = loop {
            let statuses = self.statuses(owner).await;
            // A receipt may be late without being lost.
            let gone = |row: &Value| began.elapsed() > patience / 4 && sent_before(row, crashes);
            let ended = |row: Option<&Value>| is_final(row) || row.is_some_and(gone);
            let unfinished: Vec<_> = self.0.iter().filter(|of| !ended(statuses.get(&of.id))).collect();
            if unfinished.is_empty() {
                break statuses;
            }
            if began.elapsed() > patience {
                let some: Vec<_> =
                    unfinished.iter().take(10).map(|of| (of, statuses.get(&of.id).cloned())).collect();
                let shown = self.shown(gateway).await;
                let on_phones = unfinished.iter().filter(|of| shown.any_with(of)).count();
                panic!(
                    "after {patience:?}, {} of {} messages have no end ({on_phones} of them are on their \
                     phones), for example {some:#?}",
                    unfinished.len(),
                    self.len(),
                );
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let shown = self.shown(gateway).await;
        let (arrived, wrong) = self.compare(&statuses, &shown);
        if wrong.is_empty() {
            return arrived;
        }
        let mut told = format!("{} of {} messages went wrong:\n", wrong.len(), self.len());
        for Wrong { what, messages } in wrong.iter().take(10) {
            told += &format!("{what}\n");
            for of in messages {
                let row = &statuses[&of.id];
                let on_phone = shown.with_text(of).iter().map(|at| &shown.messages[&of.to][*at]);
                let on_phone: Vec<_> =
                    on_phone.map(|m| format!("{} x{}", m["timestamp"], m["copies"])).collect();
                told += &format!(
                    "  {:>3} {} accepted {} {} sent {} attempts {}, on the phone {on_phone:?}, on {}\n",
                    of.seq,
                    of.wa_message_id,
                    row["createdAt"],
                    row["status"],
                    row["sentAt"],
                    row["attempts"],
                    carriers(gateway, of).await,
                );
            }
        }
        panic!("{told}");
    }

    fn compare<'s>(&'s self, statuses: &HashMap<String, Value>, shown: &Shown) -> (Arrived, Vec<Wrong<'s>>) {
        let (mut arrived, mut wrong) = (Arrived::default(), Vec::new());
        let mut chats: BTreeMap<(&str, &str), Vec<(usize, &Accepted)>> = BTreeMap::new();
        let mut note = |what: String, of| wrong.push(Wrong { what, messages: vec![of] });
        for of in &self.0 {
            let row = &statuses[&of.id];
            let failed = row["status"] == "failed";
            let copies = shown.with_text(of);
            match (failed, copies) {
                (true, []) => {
                    let code = row["error"]["code"].as_str().unwrap_or_default().to_owned();
                    arrived.failed.push((of.clone(), code));
                }
                (true, _) => note("failed and yet on the phone".into(), of),
                (false, []) => note(format!("{} and not on the phone", row["status"]), of),
                (false, [one]) => {
                    let message = &shown.messages[&of.to][*one];
                    if message["id"] != of.wa_message_id.as_str() {
                        note(format!("under another id, {}", message["id"]), of);
                    }
                    arrived.messages += 1;
                    arrived.unconfirmed += usize::from(!is_final(Some(row)));
                    arrived.replayed += usize::from(message["copies"].as_u64() > Some(1));
                    chats.entry((&of.from, &of.to)).or_default().push((*one, of));
                }
                (false, many) => note(format!("{} times on the phone", many.len()), of),
            }
        }
        // A chat's messages by their places in the list of the phone, which is in the order of first arrival.
        for ((from, to), mut chat) in chats {
            chat.sort_unstable_by_key(|(place, _)| *place);
            let came: Vec<&Accepted> = chat.into_iter().map(|(_, of)| of).collect();
            if !came.is_sorted_by_key(|of| of.seq) {
                let sequence: Vec<usize> = came.iter().map(|of| of.seq).collect();
                let what = format!("out of order from {from} to {to}: {sequence:?}");
                let around = misplaced(&sequence);
                wrong.push(Wrong { what, messages: came[around].to_vec() });
            }
        }
        wrong.extend(shown.doubled().into_iter().map(|what| Wrong { what, messages: Vec::new() }));
        (arrived, wrong)
    }

    /// What the gateway says of each message.
    async fn statuses(&self, owner: &Api) -> HashMap<String, Value> {
        let chats: BTreeSet<_> = self.0.iter().map(|of| (&of.device, &of.to)).collect();
        let asked = chats.into_iter().map(async |(device, to)| {
            let path = format!("/v1/devices/{device}/chats/{to}/messages?limit=100");
            let (mut items, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = owner.get(&format!("{path}{cursor}")).await.expect(200).json;
                items.extend(page["items"].as_array().expect("items").iter().cloned());
                match page["nextCursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return items,
                }
            }
        });
        let rows = futures::future::join_all(asked).await.into_iter().flatten();
        rows.map(|row| (row["id"].as_str().expect("an id").to_owned(), row)).collect()
    }

    async fn shown(&self, gateway: &Gateway) -> Shown {
        let numbers: BTreeSet<_> = self.0.iter().map(|of| of.to.clone()).collect();
        let asked = numbers.into_iter().map(async |number| {
            let path = format!("/sandbox/phones/{number}/messages");
            let page = gateway.api.get(&path).await.expect(200).json;
            (number, page["items"].as_array().expect("items").clone())
        });
        Shown::of(futures::future::join_all(asked).await.into_iter().collect())
    }
}

/// Something that must not be, and the messages that it concerns.
struct Wrong<'s> {
    what: String,
    messages: Vec<&'s Accepted>,
}

/// The part of a sequence in which it falls, with a neighbour on each side.
fn misplaced(sequence: &[usize]) -> std::ops::Range<usize> {
    let falls = || (1..sequence.len()).filter(|at| sequence[*at] < sequence[at - 1]);
    let first = falls().next().unwrap_or_default().saturating_sub(4);
    let last = falls().next_back().unwrap_or_default() + 3;
    first..last.min(sequence.len())
}

/// Which sockets a message went out on, by the sandbox's record.
async fn carriers(gateway: &Gateway, of: &Accepted) -> String {
    let sockets = gateway.api.get(&format!("/sandbox/phones/{}/sockets", of.from)).await.expect(200).json;
    let all = sockets["items"].as_array().expect("items").iter();
    let has = |socket: &&Value| {
        socket["messageIds"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(|id| *id == of.wa_message_id.as_str()))
    };
    let of =
        all.filter(has).map(|s| format!("socket {} ({} to {})", s["socket"], s["loggedInAt"], s["endedAt"]));
    of.collect::<Vec<_>>().join(" and ")
}

fn is_final(row: Option<&Value>) -> bool {
    row.is_some_and(|row| {
        matches!(row["status"].as_str(), Some("delivered" | "read" | "failed" | "cancelled"))
    })
}

/// Whether the receipt of a sent message may have been under way when a connector crashed.
fn sent_before(row: &Value, crashes: &[Timestamp]) -> bool {
    const UNDER_WAY: Duration = Duration::from_secs(1);
    let sent_at = row["sentAt"].as_str().filter(|_| row["status"] == "sent");
    let sent_at = sent_at.map(|at| at.parse::<Timestamp>().expect("a time"));
    sent_at.is_some_and(|at| crashes.iter().any(|crash| *crash >= at && crash.since(at) <= UNDER_WAY))
}

/// What the phones show.
struct Shown {
    messages: HashMap<String, Vec<Value>>,
    by_text: HashMap<(String, String), Vec<usize>>,
}

impl Shown {
    fn of(messages: HashMap<String, Vec<Value>>) -> Self {
        let mut by_text: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, of_phone) in &messages {
            for (at, message) in of_phone.iter().enumerate().filter(|(_, m)| m["direction"] == "incoming") {
                let text = message["text"]["body"].as_str().unwrap_or_default();
                by_text.entry((number.clone(), text.to_owned())).or_default().push(at);
            }
        }
        Self { messages, by_text }
    }

    fn with_text(&self, of: &Accepted) -> &[usize] {
        self.by_text.get(&(of.to.clone(), of.text.clone())).map_or(&[], Vec::as_slice)
    }

    fn any_with(&self, of: &Accepted) -> bool {
        !self.with_text(of).is_empty()
    }

    /// Ids that a phone shows twice.
    fn doubled(&self) -> Vec<String> {
        let mut doubled = Vec::new();
        for (number, messages) in &self.messages {
            let mut seen = BTreeSet::new();
            let ids = messages.iter().filter_map(|message| message["id"].as_str());
            doubled.extend(ids.filter(|id| !seen.insert(*id)).map(|id| format!("{number} shows {id} twice")));
        }
        doubled
    }
}
