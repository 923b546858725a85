//! What sending costs in rows and write units, with the library's own records.

use std::sync::Arc;

use shared::domain::ids::DeviceId;
use whatsapp_rust::wacore::store::{in_memory::InMemoryBackend, traits::ProtocolStore};

use super::{
    party::Party,
    testing::{Bench, ids},
    *,
};

/// A device whose messages go to a contact, with a copy to its owner's phone.
struct Sender {
    store: Arc<SessionStore>,
    device: Party,
    contact: Party,
    phone: Party,
    sent: usize,
}

impl Sender {
    /// One that has sent a message before.
    async fn new(bench: &Bench, device: DeviceId) -> Self {
        let store = bench.stores.open(bench.tenant, device, bench.lease.clone()).await.unwrap();
        let party = |name| Party::new(name, Arc::new(InMemoryBackend::new()));
        let (contact, phone) = (party("2"), party("1"));
        let mut device = Party::new("1:7", store.clone());
        device.meet(&contact).await;
        device.meet(&phone).await;
        let mut sender = Self { store, device, contact, phone, sent: 0 };
        sender.send().await;
        sender.store.write_later_rows(SPARE_SECONDS).await.unwrap();
        sender
    }

    /// Does with the store what the library does for a message.
    async fn send(&mut self) {
        const TEXT: &[u8] = b"a message of usual length, in the form of the library";
        self.device.seal(&self.contact, TEXT).await.unwrap();
        self.device.seal(&self.phone, TEXT).await.unwrap();
        self.sent += 1;
        let id = format!("3EB0{:016X}", self.sent);
        self.store.store_sent_message("123456789012345@lid", &id, TEXT).await.unwrap();
        self.device.flush().await.unwrap();
    }
}

#[tokio::test]
async fn twenty_busy_devices_cost_less_than_a_quarter_unit_a_message() {
    let bench = Bench::new();
    let mut senders = Vec::new();
    for _ in 0..20 {
        senders.push(Sender::new(&bench, ids().1).await);
    }
    let before = bench.stores.cost();
    for _ in 0..100 {
        for sender in &mut senders {
            sender.send().await;
        }
    }
    for sender in &senders {
        sender.store.write_later_rows(SPARE_SECONDS).await.unwrap();
    }
    let units = bench.stores.cost().write_units - before.write_units;
    // 2000 messages: two sessions are written at the 64th, and some nine copies fit in a row.
    assert!(units < 2000 / 4, "{units} units");
}

#[tokio::test]
async fn a_lone_message_costs_one_unit_for_its_copy() {
    let bench = Bench::new();
    let mut sender = Sender::new(&bench, bench.device).await;
    let before = bench.stores.cost();
    for _ in 0..50 {
        sender.send().await;
        sender.store.write_later_rows(SPARE_SECONDS).await.unwrap();
    }
    let after = bench.stores.cost();
    assert_eq!((after.rows - before.rows, after.write_units - before.write_units), (50, 50));
}
