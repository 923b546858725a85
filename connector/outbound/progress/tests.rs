use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use shared::{
    clock::Timestamp,
    domain::message::MessageStatus,
    services::{ErrorCode, messages::Recorded},
    store::messages::Only,
};

use super::*;

/// Who has a message, and who read it.
type Members = (HashSet<Jid>, HashSet<Jid>);

/// The chat of all messages.
const CHAT: &str = "6281234567890@s.whatsapp.net";

/// A table in memory that counts what it is asked.
#[derive(Default)]
struct Table {
    messages: Mutex<HashMap<String, MessageStatus>>,
    members: Mutex<HashMap<String, Members>>,
    updates: Mutex<usize>,
    aside: Mutex<Vec<String>>,
    /// How the next updates fail.
    failures: Mutex<Vec<ErrorCode>>,
    /// Ids whose rows cannot be read.
    poison: Mutex<HashSet<String>>,
}

impl Table {
    fn with(messages: &[(&str, MessageStatus)]) -> Arc<Self> {
        let messages = messages.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect();
        Arc::new(Self { messages: Mutex::new(messages), ..Self::default() })
    }

    fn update(&self, id: &str) -> Result<(), Error> {
        *self.updates.lock().unwrap() += 1;
        if let Some(code) = self.failures.lock().unwrap().pop() {
            return Err(Error::new(code, "for a test"));
        }
        match self.poison.lock().unwrap().contains(id) {
            true => Err(Error::internal("a row that cannot be read")),
            false => Ok(()),
        }
    }

    fn status(&self, id: &str) -> MessageStatus {
        self.messages.lock().unwrap()[id]
    }

    fn updates(&self) -> usize {
        std::mem::take(&mut *self.updates.lock().unwrap())
    }
}

#[async_trait]
impl Book for Arc<Table> {
    async fn record(
        &self,
        _: TenantId,
        (_, id): &Key,
        step: &Step,
        stored_under: Option<&str>,
    ) -> Result<Option<Recorded>, Error> {
        self.update(id)?;
        let mut messages = self.messages.lock().unwrap();
        let Some(status) = messages.get_mut(id) else {
            if stored_under.is_none() {
                *self.updates.lock().unwrap() += 1;
            }
            return Ok(None);
        };
        let is_its = step.only.as_ref().is_none_or(|only| only.takes(&CHAT.parse().unwrap()));
        if is_its && status.may_become(step.status) {
            *status = step.status;
        }
        Ok(Some(Recorded {
            status: *status,
            stored_under: id.clone(),
            generation: 0,
            chat: CHAT.parse().unwrap(),
        }))
    }

    async fn add_receipts(
        &self,
        _: TenantId,
        _: DeviceId,
        id: &str,
        receipts: &Receipts,
    ) -> Result<(), Error> {
        self.update(id)?;
        let mut members = self.members.lock().unwrap();
        let (delivered, read) = members.entry(id.to_owned()).or_default();
        delivered.extend(receipts.delivered_to.iter().cloned());
        read.extend(receipts.read_by.iter().cloned());
        Ok(())
    }

    async fn set_aside(&self, _: TenantId, (_, id): &Key, _: &News, _: &Error) -> Result<(), Error> {
        self.aside.lock().unwrap().push(id.clone());
        Ok(())
    }
}

fn ids() -> (TenantId, DeviceId) {
    (TenantId::derived([1; 32]), DeviceId::derived([2; 32]))
}

fn to(status: MessageStatus) -> Step {
    Step::to(status, Timestamp::from_unix_millis(1_700_000_000_000))
}

fn member(n: usize) -> Jid {
    format!("62811{n:07}@s.whatsapp.net").parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn receipts_of_a_thousand_members_are_a_few_writes_and_name_them_all() {
    let table = Table::with(&[("A", MessageStatus::Sent)]);
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    for (n, status) in
        [MessageStatus::Delivered, MessageStatus::Read].into_iter().cycle().take(1_500).enumerate()
    {
        progress.receipt(tenant, device, "A", to(status), Some(member(n / 2))).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    progress.flush(None).await;
    assert_eq!(table.status("A"), MessageStatus::Read);
    let (delivered, read) = table.members.lock().unwrap()["A"].clone();
    assert_eq!((delivered.len(), read.len()), (750, 750));
    let updates = table.updates();
    assert!(updates <= 8, "{updates} writes");
}

#[tokio::test(start_paused = true)]
async fn what_is_final_and_what_nobody_sent_is_asked_for_once() {
    let table = Table::with(&[("A", MessageStatus::Sent)]);
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    for status in [MessageStatus::Read, MessageStatus::Delivered, MessageStatus::Read] {
        progress.receipt(tenant, device, "A", to(status), None).await;
        progress.flush(None).await;
    }
    assert_eq!(table.updates(), 1);
    for n in 0..50 {
        progress.receipt(tenant, device, "unknown", to(MessageStatus::Delivered), Some(member(n))).await;
        progress.flush(None).await;
    }
    assert_eq!(table.updates(), 2);
    progress.receipt(tenant, device, "", to(MessageStatus::Read), None).await;
    progress.receipt(tenant, device, &"x".repeat(5_000), to(MessageStatus::Read), None).await;
    progress.flush(None).await;
    assert_eq!(table.updates(), 0);
}

#[tokio::test(start_paused = true)]
async fn receipts_that_come_before_their_message_are_written_down_when_it_is_there() {
    let table = Table::with(&[]);
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    progress.receipt(tenant, device, "A", to(MessageStatus::Delivered), Some(member(1))).await;
    progress.receipt(tenant, device, "A", to(MessageStatus::Read), Some(member(2))).await;
    progress.flush(None).await;
    table.messages.lock().unwrap().insert("A".into(), MessageStatus::Sent);
    progress.stored(tenant, device, "A").await;
    progress.flush(None).await;
    assert_eq!(table.status("A"), MessageStatus::Read);
    let (delivered, read) = table.members.lock().unwrap()["A"].clone();
    assert_eq!((delivered.len(), read.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_and_what_never_works_is_set_aside() {
    let table = Table::with(&[("A", MessageStatus::Sending), ("B", MessageStatus::Sending)]);
    *table.failures.lock().unwrap() = vec![ErrorCode::Misconfigured, ErrorCode::Unavailable];
    table.poison.lock().unwrap().insert("B".into());
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    progress.note(tenant, device, "A", to(MessageStatus::Sent), None).await;
    progress.note(tenant, device, "B", to(MessageStatus::Sent), None).await;
    tokio::time::timeout(Duration::from_secs(30), progress.flush(None)).await.unwrap();
    assert_eq!((table.status("A"), table.status("B")), (MessageStatus::Sent, MessageStatus::Sending));
    assert_eq!(*table.aside.lock().unwrap(), ["B"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_failed_and_is_sent_after_all_moves_on() {
    let table = Table::with(&[("A", MessageStatus::Sending)]);
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    progress.note(tenant, device, "A", to(MessageStatus::Failed), None).await;
    progress.flush(None).await;
    table.messages.lock().unwrap().insert("A".into(), MessageStatus::Sending);
    progress.note(tenant, device, "A", to(MessageStatus::Sent), None).await;
    progress.flush(None).await;
    assert_eq!(table.status("A"), MessageStatus::Sent);
}

fn of(status: MessageStatus, from: Option<&str>, chat: Option<&str>) -> News {
    let only = from.map(|from| Only { generation: 0, chats: vec![from.parse().unwrap()] });
    let step = Step { only, ..to(status) };
    News { step, chat: chat.map(|chat| chat.parse().unwrap()), receipts: Receipts::default() }
}

const STRANGER: &str = "6281234567891@s.whatsapp.net";

/// The statuses that are written, one after another, and whether on condition.
fn written(news: impl IntoIterator<Item = News>) -> Vec<(MessageStatus, bool)> {
    let mut all = Vec::new();
    news.into_iter().for_each(|news| news.join(&mut all));
    all.iter().map(|news| (news.step.status, news.step.only.is_some())).collect()
}

#[test]
fn the_ack_and_the_receipt_of_the_recipient_are_one_write_and_a_strangers_receipt_is_one_by_itself() {
    use MessageStatus::{Delivered, Read, Sent};
    let ack = || of(Sent, None, Some(CHAT));
    let of = |status, from| of(status, Some(from), None);
    assert_eq!(written([ack(), of(Delivered, CHAT)]), [(Delivered, false)]);
    assert_eq!(written([of(Delivered, CHAT), ack()]), [(Delivered, false)]);
    assert_eq!(written([of(Delivered, CHAT), of(Read, CHAT)]), [(Read, true)]);
    let forged = [ack(), of(Read, STRANGER), of(Delivered, CHAT)];
    assert_eq!(written(forged), [(Delivered, false), (Read, true)]);
    let forged_first = [of(Read, STRANGER), of(Delivered, CHAT), ack()];
    assert_eq!(written(forged_first), [(Read, true), (Delivered, false)]);
}

#[tokio::test(start_paused = true)]
async fn receipts_of_who_is_not_in_the_chat_count_for_nothing_however_often_they_come() {
    let table = Table::with(&[("A", MessageStatus::Sent)]);
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    let forged = || of(MessageStatus::Read, Some(STRANGER), None).step;
    for n in 0..3 {
        progress.receipt(tenant, device, "A", forged(), Some(member(n))).await;
        progress.flush(None).await;
    }
    assert_eq!(table.status("A"), MessageStatus::Sent);
    assert!(table.members.lock().unwrap().is_empty());
    assert_eq!(table.updates(), 1);
    let true_one = of(MessageStatus::Delivered, Some(CHAT), None).step;
    progress.receipt(tenant, device, "A", true_one, Some(member(9))).await;
    progress.flush(None).await;
    assert_eq!(table.status("A"), MessageStatus::Delivered);
    assert_eq!(table.members.lock().unwrap()["A"].0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_early_receipt_of_a_stranger_keeps_back_none_of_the_recipient() {
    let table = Table::with(&[]);
    let progress = Progress::over(Box::new(table.clone()));
    let (tenant, device) = ids();
    progress.receipt(tenant, device, "A", of(MessageStatus::Read, Some(STRANGER), None).step, None).await;
    progress.flush(None).await;
    table.messages.lock().unwrap().insert("A".into(), MessageStatus::Sent);
    progress.receipt(tenant, device, "A", of(MessageStatus::Delivered, Some(CHAT), None).step, None).await;
    progress.flush(None).await;
    assert_eq!(table.status("A"), MessageStatus::Delivered);
}
