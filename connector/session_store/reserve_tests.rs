//! Sends write nothing while their counters are reserved, and no crash makes a counter be used again.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;
use whatsapp_rust::wacore::{
    libsignal::protocol::{ChainKey, KeyPair, SenderKeyRecord, SessionRecord},
    store::{in_memory::InMemoryBackend, traits::*},
};

use super::{
    party::{Party, message_key},
    reserve::{IN_SESSION, Record, as_stored},
    rows::{PeerDevice, PeerRow},
    stored::{Footprint, Stored},
    testing::{Bench, Trouble},
    *,
};

/// Ours and a contact who has answered once, so that no prekey is pending.
async fn acquainted(bench: &Bench) -> (Party, Party) {
    let mut ani = Party::new("1", bench.open().await);
    let mut budi = Party::new("2", Arc::new(InMemoryBackend::new()));
    ani.meet(&budi).await;
    let first = ani.send(&budi, b"hello").await;
    budi.receive(&ani, &first).await.unwrap();
    let answer = budi.send(&ani, b"hello").await;
    ani.receive(&budi, &answer).await.unwrap();
    ani.flush().await.unwrap();
    (ani, budi)
}

#[tokio::test]
async fn a_row_is_written_once_for_64_messages() {
    let bench = Bench::new();
    let (mut ani, mut budi) = acquainted(&bench).await;
    let before = bench.rows.written();
    for number in 0..640 {
        let sealed = ani.send(&budi, &[number as u8]).await;
        assert_eq!(budi.receive(&ani, &sealed).await.unwrap(), [number as u8]);
    }
    assert_eq!(bench.rows.written() - before, 10 - 1, "the first 64 were reserved with the answer");
}

#[tokio::test]
async fn what_a_contact_sends_is_written_and_the_messages_after_it_are_not() {
    let bench = Bench::new();
    let (mut ani, mut budi) = acquainted(&bench).await;
    for round in 1..5 {
        let before = bench.rows.written();
        let answer = budi.send(&ani, b"again").await;
        ani.receive(&budi, &answer).await.unwrap();
        ani.flush().await.unwrap();
        for _ in 0..10 {
            let sealed = ani.send(&budi, b"yes").await;
            budi.receive(&ani, &sealed).await.unwrap();
        }
        assert_eq!(bench.rows.written() - before, 1, "round {round}");
    }
}

#[tokio::test]
async fn after_a_crash_the_counters_go_on_where_nothing_was_sent() {
    let bench = Bench::new();
    let (mut ani, mut budi) = acquainted(&bench).await;
    let mut last = 0;
    for _ in 0..40 {
        last = message_key(&ani.send(&budi, b"x").await).1;
    }
    assert_eq!(last, 39);
    let mut ani = ani.restarted(bench.open().await);
    let sealed = ani.send(&budi, b"after the crash").await;
    assert_eq!(message_key(&sealed).1, 64);
    assert_eq!(budi.receive(&ani, &sealed).await.unwrap(), b"after the crash");
}

#[tokio::test]
async fn a_first_message_can_be_repeated_after_a_crash_though_none_was_answered() {
    let bench = Bench::new();
    let mut ani = Party::new("1", bench.open().await);
    let mut budi = Party::new("2", Arc::new(InMemoryBackend::new()));
    ani.meet(&budi).await;
    for _ in 0..5 {
        ani.send(&budi, b"lost").await;
    }
    assert_eq!(bench.rows.written(), 1);
    let mut ani = ani.restarted(bench.open().await);
    let sealed = ani.send(&budi, b"hello").await;
    assert_eq!(budi.receive(&ani, &sealed).await.unwrap(), b"hello", "it still carries the prekey");
}

#[tokio::test]
async fn what_is_stored_is_never_taken_for_exact() {
    let bench = Bench::new();
    let (_, budi) = acquainted(&bench).await;
    let store = bench.open().await;
    let record = store.get_session(budi.address.as_str()).await.unwrap().unwrap();
    let record = SessionRecord::deserialize(&record).unwrap();
    let cache = [7; 16];
    let mut marked = Vec::new();
    record.serialize_into_for_store(&mut marked, &cache);
    store.put_session("3.0", &marked).await.unwrap();
    let here = store.get_session("3.0").await.unwrap().unwrap();
    assert_eq!(here, marked, "who wrote it finds it as it was");

    let reloaded = bench.open().await.get_session("3.0").await.unwrap().unwrap();
    assert_eq!(reloaded, record.serialize().unwrap());
    let index = |stored: &[u8]| {
        let record = SessionRecord::deserialize_for_store(stored, &cache).unwrap();
        record.session_state().unwrap().get_sender_chain_key().unwrap().index()
    };
    assert_eq!(index(&reloaded), record.reserved_sender_chain_index());
}

/// A session's record as stored, and the same one some messages later.
async fn two_records() -> (Bytes, Bytes) {
    let bench = Bench::new();
    let (mut ani, mut budi) = acquainted(&bench).await;
    // With a former session and a skipped message key, so that there is something of everything.
    ani.meet(&budi).await;
    let first = ani.send(&budi, b"x").await;
    budi.receive(&ani, &first).await.unwrap();
    let _skipped = budi.send(&ani, b"x").await;
    let answer = budi.send(&ani, b"x").await;
    ani.receive(&budi, &answer).await.unwrap();
    ani.flush().await.unwrap();
    let store = bench.open().await;
    let mut ani = ani.restarted(store.clone());
    ani.send(&budi, b"x").await;
    let one = store.get_session(budi.address.as_str()).await.unwrap().unwrap();
    for _ in 0..7 {
        ani.send(&budi, b"x").await;
    }
    let other = store.get_session(budi.address.as_str()).await.unwrap().unwrap();
    (as_stored(&one), as_stored(&other))
}

fn row_with(session: &[u8]) -> Vec<u8> {
    let device = PeerDevice {
        address: "2.0".into(),
        identity: Some(Bytes::from_static(&[5; 32])),
        session: Some(Bytes::copy_from_slice(session)),
    };
    PeerRow { name: "2.0".into(), devices: vec![device] }.encode_to_vec()
}

fn stands_for(one: &[u8], other: &[u8]) -> bool {
    let mut stored = Stored::default();
    stored.loaded("peer#x", one);
    stored.has("peer#x", Some(&Footprint::of("peer#x", other)))
}

#[tokio::test]
async fn only_the_sending_chain_may_differ_and_only_forwards() {
    let (one, other) = two_records().await;
    assert_ne!(one, other);
    assert!(stands_for(&row_with(&one), &row_with(&other)));
    assert!(!stands_for(&row_with(&other), &row_with(&one)), "backwards");
    assert_eq!(SessionRecord::deserialize(&other).unwrap().previous_session_count(), 1);
    // Whatever else changes, be it a bit, is seen.
    for place in 0..other.len() {
        for bit in [1, 0x80] {
            let mut changed = other.to_vec();
            changed[place] ^= bit;
            assert!(!stands_for(&row_with(&one), &row_with(&changed)), "byte {place}");
        }
    }
    for length in 0..other.len() {
        assert!(!stands_for(&row_with(&one), &row_with(&other[..length])), "cut off after {length}");
    }
    // So is what the library may add one day.
    let unknown = [&other[..], &[0xf8, 0x07, 1]].concat();
    assert!(!stands_for(&row_with(&one), &row_with(&unknown)));
    assert!(stands_for(&row_with(&unknown), &row_with(&unknown)));
}

#[tokio::test]
async fn a_chain_is_followed_to_the_end_of_the_reserve_and_no_further() {
    let (one, _) = two_records().await;
    let Ok(Record { chain: Some(_), .. }) = Record::take_apart(&one, IN_SESSION) else {
        panic!("a record of this library is taken apart")
    };
    let mut record = SessionRecord::deserialize_for_store(&one, &[0; 16]).unwrap();
    let reserved = record.reserved_sender_chain_index();
    let mut chain = record.session_state().unwrap().get_sender_chain_key().unwrap();
    assert_eq!(chain.index(), reserved);
    let mut at = |chain: &ChainKey| {
        record.session_state_mut().unwrap().set_sender_chain_key(chain).unwrap();
        row_with(&record.serialize().unwrap())
    };
    assert!(stands_for(&row_with(&one), &at(&chain)));
    chain = chain.next_chain_key().unwrap();
    assert!(!stands_for(&row_with(&one), &at(&chain)), "one too far");
}

fn sender_key() -> SenderKeyRecord {
    let pair = KeyPair::generate(&mut rand::make_rng::<rand::rngs::StdRng>());
    let mut record = SenderKeyRecord::new_empty();
    record.add_sender_key_state(3, 9, 0, &[4; 32], pair.public_key, Some(pair.private_key)).unwrap();
    record
}

#[tokio::test]
async fn a_groups_row_is_written_once_for_64_messages_too() {
    let bench = Bench::new();
    let store = bench.open().await;
    let mut record = sender_key();
    for _ in 0..128 {
        let state = record.sender_key_state_mut().unwrap();
        let chain = state.sender_chain_key().unwrap();
        let (spent, next) = (chain.iteration(), chain.next().unwrap());
        state.set_sender_chain_key(next);
        record.reserve_iterations(spent);
        store.put_sender_key("g::a", &record.serialize_for_store(&[1; 16]).unwrap()).await.unwrap();
    }
    assert_eq!(bench.rows.written(), 2);
    let stored = bench.open().await.get_sender_key("g::a").await.unwrap().unwrap();
    let stored = SenderKeyRecord::deserialize_for_store(&stored, &[1; 16]).unwrap();
    assert_eq!(stored.sender_key_state().unwrap().sender_chain_key().unwrap().iteration(), 128);
}

#[tokio::test]
async fn what_others_send_to_a_group_is_written_every_time() {
    let bench = Bench::new();
    let store = bench.open().await;
    let mut record = sender_key();
    for _ in 0..5 {
        let state = record.sender_key_state_mut().unwrap();
        state.set_sender_chain_key(state.sender_chain_key().unwrap().next().unwrap());
        store.put_sender_key("g::b", &record.serialize_for_store(&[1; 16]).unwrap()).await.unwrap();
    }
    assert_eq!(bench.rows.written(), 5);
}

/// What may happen between two messages.
#[derive(Debug, Clone)]
enum Event {
    Sent { flushed: bool },
    SentIntoTrouble,
    LostOnTheWay,
    Answered,
    Crashed,
    Closed,
    MetAnew,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => any::<bool>().prop_map(|flushed| Event::Sent { flushed }),
        2 => Just(Event::SentIntoTrouble),
        2 => Just(Event::LostOnTheWay),
        3 => Just(Event::Answered),
        2 => Just(Event::Crashed),
        1 => Just(Event::Closed),
        1 => Just(Event::MetAnew),
    ]
}

/// Two parties, and what was seen on the wire of the one over our store.
struct Story {
    bench: Bench,
    store: Arc<SessionStore>,
    ani: Party,
    budi: Party,
    used: HashSet<(Vec<u8>, u32)>,
}

impl Story {
    async fn begin() -> Self {
        let bench = Bench::new();
        let store = bench.open().await;
        let mut ani = Party::new("1", store.clone());
        let budi = Party::new("2", Arc::new(InMemoryBackend::new()));
        ani.meet(&budi).await;
        Self { bench, store, ani, budi, used: HashSet::new() }
    }

    async fn send(&mut self, arrives: bool) {
        let Some(sealed) = self.ani.seal(&self.budi, b"text").await else { return };
        assert!(self.used.insert(message_key(&sealed)), "a message key is used twice");
        if arrives {
            assert_eq!(self.budi.receive(&self.ani, &sealed).await.unwrap(), b"text");
        }
    }

    async fn happens(&mut self, event: Event) {
        match event {
            Event::Sent { flushed } => {
                self.send(true).await;
                if flushed {
                    self.ani.flush().await.unwrap();
                }
            }
            Event::SentIntoTrouble => {
                self.bench.rows.trouble([Trouble::Refused, Trouble::Refused]);
                self.send(true).await;
                let _not_written = self.ani.flush().await;
                lock(&self.bench.rows.state).trouble.clear();
            }
            Event::LostOnTheWay => self.send(false).await,
            Event::Answered => {
                // Who has heard nothing has nobody to answer.
                if self.used.is_empty() {
                    return;
                }
                let answer = self.budi.send(&self.ani, b"answer").await;
                self.ani.receive(&self.budi, &answer).await.unwrap();
                self.ani.flush().await.unwrap();
            }
            Event::Crashed => self.restart().await,
            Event::Closed => {
                self.ani.flush().await.unwrap();
                self.store.close().await.unwrap();
                self.restart().await;
            }
            Event::MetAnew => {
                self.ani.meet(&self.budi).await;
                self.send(true).await;
            }
        }
    }

    async fn restart(&mut self) {
        // As a crash leaves it: nothing more of the former store is written.
        self.store.refuse_writes();
        self.store = self.bench.open().await;
        self.ani = self.ani.restarted(self.store.clone());
        if !self.ani.knows(&self.budi).await {
            self.ani.meet(&self.budi).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens between messages: every message that goes out is sealed with a key of its own, and
    /// its receiver can open it.
    #[test]
    fn no_message_key_is_ever_used_twice(events in prop::collection::vec(event(), 1..150)) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let mut story = Story::begin().await;
            story.happens(Event::Sent { flushed: true }).await;
            for event in events {
                story.happens(event).await;
            }
        });
    }
}
