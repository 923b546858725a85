//! What is new of messages and waits to be written down, in the order in which it is due.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use shared::{
    domain::{
        ids::{DeviceId, TenantId},
        jid::Jid,
        message::MessageStatus,
        receipts::Receipts,
    },
    store::messages::Step,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

/// How long the server's ack waits for a receipt.
const LINGER: Duration = Duration::from_millis(400);

/// From so many steps a second on, it does.
const BUSY_STEPS_PER_SECOND: u32 = 10;

/// How long receipts of a group's members come together.
const GATHER_WINDOW: Duration = Duration::from_secs(1);

/// How long a write that failed waits for its next try.
const RETRY_PAUSE: Duration = GATHER_WINDOW;

/// A message, by its device and the id that WhatsApp knows it by.
pub(super) type Key = (DeviceId, String);

/// What is new of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct News {
    pub step: Step,
    /// The message's chat, when whoever noted the step has the message.
    pub chat: Option<Jid>,
    /// Of a group's members.
    pub receipts: Receipts,
}

impl News {
    /// Takes in what else is new of the same message, or gives it back. A receipt is only as good as who sent it: it
    /// is taken in when that is the message's recipient for sure, and otherwise written by itself, under the condition
    /// that it is.
    fn merge(&mut self, other: Self) -> Option<Self> {
        match (&self.step.only, &other.step.only) {
            (mine, others) if mine == others => {}
            (None, Some(only)) if self.chat.as_ref().is_some_and(|chat| only.takes(chat)) => {}
            (Some(only), None) if other.chat.as_ref().is_some_and(|chat| only.takes(chat)) => {
                self.step.only = None;
            }
            _ => return Some(other),
        }
        let join = |a: Vec<_>, b: Vec<_>| a.into_iter().chain(b).take(Receipts::MAX_MEMBERS);
        let (mine, others) = (std::mem::take(&mut self.receipts), other.receipts);
        let delivered_to = join(mine.delivered_to, others.delivered_to);
        self.receipts = Receipts::of(delivered_to, join(mine.read_by, others.read_by));
        self.step = self.step.clone().and(other.step);
        self.chat = self.chat.take().or(other.chat);
        None
    }

    /// Joins what else is new of the same message, as far as it may be written as one.
    pub fn join(self, all: &mut Vec<Self>) {
        let mut left = Some(self);
        for known in all.iter_mut() {
            let Some(news) = left.take() else { return };
            left = known.merge(news);
        }
        all.extend(left);
    }
}

/// What is new of one message, and its tenant's.
pub(super) struct Waiting {
    pub tenant: TenantId,
    /// What cannot be written as one.
    pub news: Vec<News>,
    /// Of each of them, shared with what is put back of it.
    rooms: Vec<Arc<OwnedSemaphorePermit>>,
}

#[derive(Default)]
pub(super) struct State {
    waiting: HashMap<Key, Waiting>,
    /// In the order in which they are due.
    now: VecDeque<Key>,
    soon: VecDeque<(Instant, Key)>,
    later: VecDeque<(Instant, Key)>,
    being_written: HashMap<Key, Option<Arc<OwnedSemaphorePermit>>>,
    rate: Rate,
}

/// How many steps a second there are.
struct Rate {
    second: Instant,
    count: u32,
    before: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { second: Instant::now(), count: 0, before: 0 }
    }
}

impl Rate {
    /// Counts a step, and says whether there are many.
    fn count(&mut self) -> bool {
        let past = self.second.elapsed().as_secs();
        if past >= 1 {
            self.before = if past == 1 { self.count } else { 0 };
            self.count = 0;
            self.second = Instant::now();
        }
        self.count += 1;
        self.count.max(self.before) > BUSY_STEPS_PER_SECOND
    }
}

impl State {
    pub fn add(&mut self, key: Key, tenant: TenantId, news: News, room: OwnedSemaphorePermit) {
        // Of single steps only the first one waits: a receipt that is lost is not sent again.
        let lingers = self.rate.count() && news.step.status == MessageStatus::Sent;
        let gathers = news.receipts.delivered > 0;
        let is_new = self.merge(key.clone(), tenant, news, Some(Arc::new(room)));
        // A message that is here twice is written when its first turn comes.
        match (gathers, lingers) {
            (true, _) if is_new => self.later.push_back((Instant::now() + GATHER_WINDOW, key)),
            (_, true) if is_new => self.soon.push_back((Instant::now() + LINGER, key)),
            (false, false) => self.now.push_back(key),
            _ => {}
        }
    }

    /// Puts back what is being written, to be written once more.
    pub fn again(&mut self, key: &Key, tenant: TenantId, news: News) {
        if let Some(room) = self.being_written.get(key).cloned() {
            self.merge(key.clone(), tenant, news, room);
            self.now.push_back(key.clone());
        }
    }

    /// Adds to what waits of a message; says whether nothing did.
    fn merge(
        &mut self,
        key: Key,
        tenant: TenantId,
        news: News,
        room: Option<Arc<OwnedSemaphorePermit>>,
    ) -> bool {
        let empty = || Waiting { tenant, news: Vec::new(), rooms: Vec::new() };
        let waiting = self.waiting.entry(key).or_insert_with(empty);
        let before = waiting.news.len();
        news.join(&mut waiting.news);
        if waiting.news.len() > before {
            waiting.rooms.extend(room);
        }
        before == 0
    }

    /// The next message to write, or when there may be one.
    pub fn next(&mut self) -> Result<(Key, Waiting), Option<Instant>> {
        let now = Instant::now();
        for line in [&mut self.soon, &mut self.later] {
            while let Some((due, _)) = line.front()
                && *due <= now
            {
                let due = line.pop_front().map(|(_, key)| key);
                self.now.extend(due);
            }
        }
        for _ in 0..self.now.len() {
            let Some(key) = self.now.pop_front() else { break };
            if self.being_written.contains_key(&key) {
                self.now.push_back(key);
            } else if let Some(waiting) = self.waiting.remove(&key) {
                self.being_written.insert(key.clone(), waiting.rooms.first().cloned());
                return Ok((key, waiting));
            }
        }
        Err([&self.soon, &self.later].into_iter().filter_map(|line| line.front()).map(|(due, _)| *due).min())
    }

    /// What was new of a message was written; what is left has to be later.
    pub fn written(&mut self, key: Key, mut waiting: Waiting) {
        self.being_written.remove(&key);
        if waiting.news.is_empty() {
            return;
        }
        // What came meanwhile comes after it.
        if let Some(newer) = self.waiting.remove(&key) {
            newer.news.into_iter().for_each(|news| news.join(&mut waiting.news));
            waiting.rooms.extend(newer.rooms);
        }
        self.waiting.insert(key.clone(), waiting);
        self.later.push_back((Instant::now() + RETRY_PAUSE, key));
    }

    /// Lets what waits of a device, or of all, be due now. Says whether there is any.
    pub fn hurry(&mut self, device: Option<DeviceId>) -> bool {
        let of = |key: &Key| device.is_none_or(|device| key.0 == device);
        if !self.waiting.keys().chain(self.being_written.keys()).any(of) {
            return false;
        }
        let known: HashSet<Key> = self.now.iter().cloned().collect();
        for line in [&mut self.soon, &mut self.later] {
            let (hurried, others): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(line).into_iter().partition(|(_, key)| of(key));
            *line = others;
            self.now.extend(hurried.into_iter().map(|(_, key)| key).filter(|key| !known.contains(key)));
        }
        true
    }
}
