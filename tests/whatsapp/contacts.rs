//! Contacts have a phone number and a LID, and are one chat however they are met.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Gateway, Phone, eventually};

const PEOPLE: usize = 200;

/// How somebody is met, and all of it at once.
#[derive(Clone, Copy)]
struct Meeting {
    /// The device writes to the number.
    to_number: bool,
    /// The device writes to the LID.
    to_lid: bool,
    /// They write to the device.
    writes: bool,
    /// They write when all others are done: until then, nothing tells the number of somebody of whom only the LID
    /// is known.
    writes_later: bool,
}

impl Meeting {
    /// Every combination, by turns, but that in which nobody meets.
    fn of(n: usize) -> Self {
        let bits = n % 7 + 1;
        let (to_number, to_lid, writes) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
        Self { to_number, to_lid, writes, writes_later: to_lid && !to_number && !writes }
    }

    fn texts(self) -> BTreeSet<String> {
        let all = [
            (self.to_number, "to number"),
            (self.to_lid, "to lid"),
            (self.writes || self.writes_later, "from them"),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, text)| text.to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_people_met_in_every_way_at_once_are_one_chat_each_with_all_that_was_said() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&ani).await;
    let people = join_all((0..PEOPLE).map(|n| person(&gateway, n))).await;

    let meet = |n: usize, person: Phone| {
        let (gateway, device, ani, how) = (&gateway, &device, &ani, Meeting::of(n));
        async move {
            let send = async |is: bool, to: String, text: &str| {
                if is {
                    gateway.admin.send_text(device, &to, text).await;
                }
            };
            let write = async || {
                if how.writes {
                    person.send_text(&ani.number, "from them").await;
                }
            };
            tokio::join!(
                send(how.to_lid, format!("{}@lid", person.lid), "to lid"),
                send(how.to_number, person.number.clone(), "to number"),
                write(),
            );
        }
    };
    join_all(people.iter().cloned().enumerate().map(|(n, person)| meet(n, person))).await;

    for (_, person) in people.iter().enumerate().filter(|(n, _)| Meeting::of(*n).writes_later) {
        person.send_text(&ani.number, "from them").await;
    }

    for (n, person) in people.iter().enumerate() {
        let how = Meeting::of(n);
        // By either form the history has everything, under the number.
        for form in [person.number.clone(), format!("{}@lid", person.lid)] {
            let path = format!("/v1/devices/{device}/chats/{form}/messages");
            let history = eventually(format!("all that was said with {form}"), async || {
                let items = gateway.admin.get(&path).await.expect(200).json["items"].clone();
                let items = items.as_array().unwrap().clone();
                let texts: BTreeSet<String> = items.iter().map(text).collect();
                let settled =
                    items.iter().all(|message| message["status"] != "queued" && is_of(message, person));
                (texts == how.texts() && settled).then_some(items)
            })
            .await;
            assert_eq!(history.len(), how.texts().len(), "doubled: {history:?}");
            for message in history {
                let id = message["id"].as_str().unwrap();
                let path = format!("/v1/devices/{device}/messages/{id}");
                assert!(is_of(&gateway.admin.get(&path).await.expect(200).json, person));
            }
        }
    }
    let chats = all_chats(&gateway, &device).await;
    let numbers: BTreeSet<String> = people.iter().map(chat).collect();
    let shown: Vec<String> = chats.iter().map(|chat| chat["chat"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown.len(), PEOPLE, "somebody is several chats: {shown:?}");
    assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), numbers);
}

/// History in pages, of a chat whose messages are stored under both forms.
#[tokio::test]
async fn a_history_that_lies_under_both_forms_is_one_list_in_its_order() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.admin.device("test").await;
    let budi = person(&gateway, 0).await;
    // Before the device is linked, nobody knows that both are one.
    let forms = [format!("{}@lid", budi.lid), budi.number.clone()];
    for n in 0..10 {
        gateway.admin.send_text(&device, &forms[n % 2], &format!("text {n}")).await;
    }
    let qr = gateway.admin.qr(&device).await;
    ani.scan(&qr).await;
    gateway.admin.device_becomes(&device, "connected").await;
    budi.send_text(&ani.number, "I am both").await;
    gateway.admin.receives(&device, &budi.number, "I am both").await;

    let expected: Vec<String> =
        std::iter::once("I am both".to_owned()).chain((0..10).rev().map(|n| format!("text {n}"))).collect();
    for form in &forms {
        let base = format!("/v1/devices/{device}/chats/{form}/messages?limit=3");
        let (mut texts, mut next) = (Vec::new(), base.clone());
        loop {
            let page = gateway.admin.get(&next).await.expect(200).json;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 3 && items.iter().all(|message| is_of(message, &budi)));
            texts.extend(items.iter().map(text));
            match &page["nextCursor"] {
                Value::String(cursor) => next = format!("{base}&cursor={cursor}"),
                _ => break,
            }
        }
        assert_eq!(texts, expected);
    }
    let chats = all_chats(&gateway, &device).await;
    assert_eq!(chats.len(), 1, "{chats:?}");
    assert_eq!(chats[0]["lid"], format!("{}@lid", budi.lid));
    assert_eq!(chats[0]["lastMessagePreview"], "I am both");
}

/// Every second one hides the number.
async fn person(gateway: &Gateway, n: usize) -> Phone {
    let addressing = if (n / 7).is_multiple_of(2) { "pn" } else { "lid" };
    let number = format!("+6281{:08}", 50_000_000 + n);
    let body = json!({"number": number, "name": format!("Person {n}"), "addressing": addressing});
    gateway.phone_of(&gateway.api.post("/sandbox/phones", body).await.expect(201).json)
}

fn chat(person: &Phone) -> String {
    format!("{}@s.whatsapp.net", person.number)
}

fn is_of(message: &Value, person: &Phone) -> bool {
    message["chat"] == chat(person)
}

fn text(message: &Value) -> String {
    message["text"]["body"].as_str().unwrap_or_default().to_owned()
}

async fn all_chats(gateway: &Gateway, device: &str) -> Vec<Value> {
    let base = format!("/v1/devices/{device}/chats?limit=100");
    let (mut all, mut next) = (Vec::new(), base.clone());
    loop {
        let page = gateway.admin.get(&next).await.expect(200).json;
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match &page["nextCursor"] {
            Value::String(cursor) => next = format!("{base}&cursor={cursor}"),
            _ => return all,
        }
    }
}
