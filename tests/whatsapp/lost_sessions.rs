//! Signal sessions that get lost while messages flow: everybody has all of them all the same, and each once.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tests::{Gateway, PATIENCE, Phone, eventually};

/// How many messages go each way.
const EACH_WAY: usize = 20;

/// Ani, with a phone and two linked devices, and Budi, with a phone and one. The shop writes for Ani.
struct Conversation {
    gateway: Gateway,
    ani: Phone,
    budi: Phone,
    shop: String,
    desk: String,
    till: String,
}

/// Who loses its sessions.
#[derive(Clone, Copy)]
enum Who {
    OwnersPhone,
    ContactsPhone,
    Shop,
    OwnersCompanion,
    ContactsCompanion,
}

use Who::{ContactsCompanion, ContactsPhone, OwnersCompanion, OwnersPhone, Shop};

impl Conversation {
    async fn begin() -> Self {
        let gateway = Gateway::start().await;
        let ani = gateway.phone("+6281234567890", "Ani").await;
        let budi = gateway.phone("+6281234567891", "Budi").await;
        let shop = gateway.linked_device(&ani).await;
        let desk = gateway.linked_device(&ani).await;
        let till = gateway.linked_device(&budi).await;
        Self { gateway, ani, budi, shop, desk, till }
    }

    async fn forgets(&self, who: Who) {
        match who {
            OwnersPhone => self.ani.forget_sessions().await,
            ContactsPhone => self.budi.forget_sessions().await,
            Shop => self.device_forgets(&self.shop).await,
            OwnersCompanion => self.device_forgets(&self.desk).await,
            ContactsCompanion => self.device_forgets(&self.till).await,
        }
    }

    async fn device_forgets(&self, device: &str) {
        let admin = &self.gateway.admin;
        admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
        admin.device_becomes(device, "disconnected").await;
        assert!(self.gateway.forget_sessions(device).await > 0, "it had sessions");
        admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    }

    /// Both write by turns, and these lose their sessions three times meanwhile.
    async fn flows_while_they_forget(&self, who: &[Who]) {
        let mut sent = Vec::new();
        for n in 0..EACH_WAY {
            if n > 0 && n % 5 == 0 {
                for who in who {
                    self.forgets(*who).await;
                }
            }
            sent.push(self.gateway.admin.send_text(&self.shop, &self.budi.number, &outgoing(n)).await);
            self.budi.send_text(&self.ani.number, &incoming(n)).await;
        }
        self.everybody_has_all().await;
        for message in &sent {
            self.gateway.admin.message_becomes(message, "delivered").await;
        }
    }

    async fn everybody_has_all(&self) {
        shows(&self.budi, "incoming", outgoing).await;
        shows(&self.budi, "outgoing", incoming).await;
        shows(&self.ani, "outgoing", outgoing).await;
        shows(&self.ani, "incoming", incoming).await;
        for (device, other, ours, theirs) in [
            (&self.shop, &self.budi, "outgoing", "incoming"),
            (&self.desk, &self.budi, "outgoing", "incoming"),
            (&self.till, &self.ani, "incoming", "outgoing"),
        ] {
            self.holds(device, other, ours, outgoing).await;
            self.holds(device, other, theirs, incoming).await;
        }
    }

    /// Waits until a device has all texts in one direction, each once.
    async fn holds(&self, device: &str, other: &Phone, direction: &str, text: fn(usize) -> String) {
        let path = format!("/v1/devices/{device}/chats/{}/messages?limit=100", other.number);
        let read = async || {
            let page = self.gateway.admin.get(&path).await.expect(200).json;
            page["items"].as_array().unwrap().clone()
        };
        let found = all_of(read, &format!("{device} {direction}"), direction, text).await;
        assert!(found.values().all(|all| all.len() == 1), "doubled on {device}: {found:?}");
    }
}

/// Waits until a phone shows all texts in one direction, each once.
async fn shows(phone: &Phone, direction: &str, text: fn(usize) -> String) {
    let what = format!("{} {direction}", phone.number);
    let found = all_of(async || phone.messages().await, &what, direction, text).await;
    let once = found.values().all(|all| all.len() == 1 && all[0]["copies"] == 1);
    assert!(once, "doubled on {}: {found:?}", phone.number);
}

/// Waits until the messages of one direction have all texts; the messages by text.
async fn all_of(
    mut read: impl AsyncFnMut() -> Vec<Value>,
    what: &str,
    direction: &str,
    text: fn(usize) -> String,
) -> BTreeMap<String, Vec<Value>> {
    let mut missing: Vec<String> = Vec::new();
    let looking = async {
        loop {
            let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for message in read().await.into_iter().filter(|message| message["direction"] == direction) {
                let body = message["text"]["body"].as_str().unwrap_or_default().to_owned();
                found.entry(body).or_default().push(message);
            }
            missing = (0..EACH_WAY).map(text).filter(|text| !found.contains_key(text)).collect();
            if missing.is_empty() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("missing, {what}: {missing:?}"))
}

fn outgoing(n: usize) -> String {
    format!("out {n}")
}

fn incoming(n: usize) -> String {
    format!("in {n}")
}

#[tokio::test]
async fn the_owners_phone_loses_its_sessions_and_nobody_misses_a_message() {
    Conversation::begin().await.flows_while_they_forget(&[OwnersPhone]).await;
}

#[tokio::test]
async fn the_contacts_phone_loses_its_sessions_and_nobody_misses_a_message() {
    Conversation::begin().await.flows_while_they_forget(&[ContactsPhone]).await;
}

#[tokio::test]
async fn the_phones_of_both_lose_their_sessions_and_nobody_misses_a_message() {
    Conversation::begin().await.flows_while_they_forget(&[OwnersPhone, ContactsPhone]).await;
}

#[tokio::test]
async fn companions_of_both_lose_their_sessions_and_nobody_misses_a_message() {
    Conversation::begin().await.flows_while_they_forget(&[OwnersCompanion, ContactsCompanion]).await;
}

#[tokio::test]
async fn everybody_loses_all_sessions_and_nobody_misses_a_message() {
    let everybody = [OwnersPhone, ContactsPhone, Shop, OwnersCompanion, ContactsCompanion];
    let conversation = Conversation::begin().await;
    conversation.flows_while_they_forget(&everybody).await;
    // What mends itself is no error, is said in a line or two, and shows neither keys nor people.
    let log = conversation.gateway.log();
    let by_library: Vec<&str> =
        log.lines().filter(|line| line.contains("wacore") || line.contains("whatsapp_rust")).collect();
    assert!(log.contains("they are asked for again times="), "{log}");
    assert!(by_library.len() < 10, "{by_library:#?}");
    for told in ["ratchet", "Mac:", "base key", &conversation.ani.number, &conversation.budi.number] {
        assert!(!log.contains(told), "{told}: {log}");
    }
}

/// The request comes from the phone alone, and so does the answer go there alone: the contact keeps its session.
#[tokio::test]
async fn what_the_owners_phone_asks_for_again_does_not_touch_the_contacts_session() {
    let conversation = Conversation::begin().await;
    let Conversation { gateway, ani, budi, shop, .. } = &conversation;
    let first = gateway.admin.send_text(shop, &budi.number, "before").await;
    gateway.admin.message_becomes(&first, "delivered").await;
    ani.forget_sessions().await;
    let second = gateway.admin.send_text(shop, &budi.number, "after").await;
    gateway.admin.message_becomes(&second, "delivered").await;
    let id = second["waMessageId"].as_str().unwrap();
    let shown = eventually("the owner's phone shows it", async || {
        ani.messages().await.into_iter().find(|message| message["id"] == id)
    });
    assert_eq!(shown.await["text"], json!({"body": "after"}));
    let log = gateway.log();
    assert!(!log.contains("Registration ID changed"), "{log}");
    assert_eq!(budi.receives("after").await["copies"], 1);
}
