//! What a lane has in hand, in the order in which it is to go.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use shared::{
    clock::Timestamp,
    domain::{
        ids::MessageId,
        jid::Jid,
        message::{Message, Priority},
    },
    queue::payloads::SendTurnV1,
    store::outbox::Waiting,
};

use super::Entry;

/// How many done messages a lane remembers, to know them when their queue entries come again.
const MAX_REMEMBERED: usize = 512;

/// A message to send.
pub(crate) struct Job {
    pub id: MessageId,
    pub priority: Priority,
    pub queued_at: Timestamp,
    /// What decides about its turn; read from its row when the outbox told of it.
    pub details: Option<Details>,
    /// Its entry in the queue. None when the outbox told of it; it may come later.
    pub entry: Option<Entry>,
    /// How often sending it has failed here.
    pub failures: u32,
    from_outbox: bool,
}

/// What decides about a message's turn.
#[derive(Debug, Clone)]
pub(crate) struct Details {
    pub chat: Jid,
    pub expires_at: Option<Timestamp>,
    /// The owner's rules of sending that hold for it, or later ones.
    pub send_rules: u32,
    /// Which of the device's numbers it goes out from.
    pub generation: u32,
}

impl Job {
    /// One that the queue told of.
    pub fn queued(id: MessageId, turn: SendTurnV1, entry: Entry) -> Self {
        let SendTurnV1 { priority, queued_at, expires_at, chat, send_rules, link_generation } = turn;
        let details = Some(Details { chat, expires_at, send_rules, generation: link_generation });
        Self { id, priority, queued_at, details, entry: Some(entry), failures: 0, from_outbox: false }
    }

    /// One that the outbox told of.
    pub fn waiting(waiting: &Waiting) -> Self {
        let Waiting { message, priority, queued_at, .. } = *waiting;
        Self { id: message, priority, queued_at, details: None, entry: None, failures: 0, from_outbox: true }
    }
}

impl From<&Message> for Details {
    fn from(message: &Message) -> Self {
        let Message { chat, expires_at, link_generation: generation, .. } = message;
        Self { chat: chat.clone(), expires_at: *expires_at, send_rules: 0, generation: *generation }
    }
}

/// Direct messages before bulk ones, and the one first that was accepted first.
type Rank = (Priority, Timestamp, MessageId);

/// How many messages may be set aside; more wait in their turn and let those behind them wait, too.
const MAX_ASIDE: usize = 1_000;

/// Jobs in their order.
#[derive(Default)]
pub(super) struct Backlog {
    jobs: BTreeMap<Rank, Job>,
    ranks: HashMap<MessageId, Rank>,
    /// Set aside until then, since their recipients have had enough for now.
    aside: BTreeMap<(Timestamp, Rank), Job>,
    from_outbox: usize,
    done: HashSet<MessageId>,
    done_in_order: VecDeque<MessageId>,
}

impl Backlog {
    /// Adds a job. Of one that is known already the entry is kept; one that is done needs it no more.
    pub fn add(&mut self, job: Job) {
        if self.done.contains(&job.id) {
            if let Some(entry) = job.entry {
                entry.delete();
            }
            return;
        }
        if let Some(rank) = self.ranks.get(&job.id) {
            match (self.jobs.get_mut(rank), job.entry) {
                // The newest receipt handle counts.
                (Some(known), Some(entry)) => known.entry = Some(entry),
                // What is set aside needs none.
                (None, Some(entry)) => entry.delete(),
                (_, None) => {}
            }
            return;
        }
        let rank = (job.priority, job.queued_at, job.id);
        self.from_outbox += usize::from(job.from_outbox);
        self.ranks.insert(job.id, rank);
        self.jobs.insert(rank, job);
    }

    /// The one whose turn is next.
    pub fn first(&mut self) -> Option<&mut Job> {
        self.jobs.values_mut().next()
    }

    /// Takes the one whose turn is next, for good.
    pub fn take_first(&mut self) -> Option<Job> {
        let (_, job) = self.jobs.pop_first()?;
        self.ranks.remove(&job.id);
        self.from_outbox -= usize::from(job.from_outbox);
        if self.done.insert(job.id) {
            self.done_in_order.push_back(job.id);
        }
        if self.done_in_order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.done_in_order.pop_front()
        {
            self.done.remove(&oldest);
        }
        Some(job)
    }

    /// A message that was done is asked for again.
    pub fn forget(&mut self, id: MessageId) {
        self.done.remove(&id);
        self.done_in_order.retain(|done| *done != id);
    }

    /// Sets the first one aside until its recipient may have it, so that it holds up nobody else. Its entry goes:
    /// in a queue that is in order it would hold back those behind it. The outbox still has the message.
    /// `false` when too many are set aside already.
    pub fn set_first_aside(&mut self, until: Timestamp) -> bool {
        if self.aside.len() >= MAX_ASIDE {
            return false;
        }
        if let Some((rank, mut job)) = self.jobs.pop_first() {
            self.from_outbox -= usize::from(std::mem::take(&mut job.from_outbox));
            job.entry.take().into_iter().for_each(Entry::delete);
            self.aside.insert((until, rank), job);
        }
        true
    }

    /// Puts back what was set aside until `now`, or all of it.
    pub fn put_back(&mut self, now: Option<Timestamp>) {
        while let Some(first) = self.aside.first_entry()
            && now.is_none_or(|now| first.key().0 <= now)
        {
            let ((_, rank), job) = first.remove_entry();
            self.jobs.insert(rank, job);
        }
    }

    /// When the next of what is set aside is to be put back.
    pub fn next_aside(&self) -> Option<Timestamp> {
        self.aside.keys().next().map(|(until, _)| *until)
    }

    /// Until when a chat's messages are set aside: those that come later must not overtake them.
    pub fn aside_of(&self, chat: &Jid) -> Option<Timestamp> {
        let of_chat = |job: &Job| job.details.as_ref().is_some_and(|details| details.chat == *chat);
        self.aside.iter().rev().find(|(_, job)| of_chat(job)).map(|((until, _), _)| *until)
    }

    /// Deletes the entries of all; the outbox still has the messages.
    pub fn delete_entries(&mut self) {
        self.jobs.values_mut().filter_map(|job| job.entry.take()).for_each(Entry::delete);
    }

    /// Takes everything.
    pub fn drain(&mut self) -> impl Iterator<Item = Job> {
        self.ranks.clear();
        self.from_outbox = 0;
        std::mem::take(&mut self.jobs).into_values().chain(std::mem::take(&mut self.aside).into_values())
    }

    /// Whether some of what the outbox told of is still to be done.
    pub fn has_from_outbox(&self) -> bool {
        self.from_outbox > 0
    }

    pub fn len(&self) -> usize {
        self.jobs.len() + self.aside.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::domain::ids::{DeviceId, TenantId};

    use super::*;

    fn waiting(id: u8, priority: Priority, at: i64) -> Job {
        let nobody = (TenantId::derived([0; 32]), DeviceId::derived([0; 32]));
        Job::waiting(&Waiting {
            tenant: nobody.0,
            device: nobody.1,
            priority,
            queued_at: Timestamp::from_unix_millis(at),
            message: MessageId::derived([id; 32]),
        })
    }

    proptest! {
        #[test]
        fn direct_messages_go_first_and_each_goes_once_in_the_order_of_its_acceptance(
            jobs in prop::collection::vec((0u8..20, any::<bool>(), 0i64..10), 0..60),
        ) {
            let mut backlog = Backlog::default();
            for (id, bulk, at) in &jobs {
                backlog.add(waiting(*id, if *bulk { Priority::Bulk } else { Priority::Normal }, *at));
            }
            let ids: HashSet<u8> = jobs.iter().map(|(id, ..)| *id).collect();
            prop_assert_eq!(backlog.len(), ids.len());
            let mut taken = Vec::new();
            while let Some(job) = backlog.take_first() {
                taken.push((job.priority, job.queued_at, job.id));
            }
            prop_assert!(taken.is_sorted());
            prop_assert_eq!(taken.len(), ids.len());
            prop_assert!(!backlog.has_from_outbox());
            // What is done is known when it comes again.
            for (id, ..) in &jobs {
                backlog.add(waiting(*id, Priority::Normal, 0));
            }
            prop_assert_eq!(backlog.len(), 0);
        }
    }

    #[test]
    fn what_is_set_aside_lets_others_go_and_comes_back_in_its_place() {
        let (chat, at) =
            ("6281234567890@s.whatsapp.net".parse::<Jid>().unwrap(), Timestamp::from_unix_millis);
        let mut backlog = Backlog::default();
        for id in 1..4 {
            backlog.add(waiting(id, Priority::Normal, i64::from(id)));
        }
        let details = Details { chat: chat.clone(), expires_at: None, send_rules: 0, generation: 0 };
        backlog.first().unwrap().details = Some(details);
        assert!(backlog.set_first_aside(at(100)));
        assert_eq!(backlog.aside_of(&chat), Some(at(100)));
        assert_eq!(backlog.take_first().unwrap().id, MessageId::derived([2; 32]));
        // The same message again is no other one.
        backlog.add(waiting(1, Priority::Normal, 1));
        assert_eq!(backlog.len(), 2);
        backlog.put_back(Some(at(99)));
        assert_eq!(backlog.first().unwrap().id, MessageId::derived([3; 32]));
        backlog.put_back(Some(at(100)));
        assert_eq!((backlog.first().unwrap().id, backlog.next_aside()), (MessageId::derived([1; 32]), None));
    }

    #[test]
    fn what_failed_may_be_asked_for_again() {
        let mut backlog = Backlog::default();
        backlog.add(waiting(1, Priority::Normal, 0));
        let done = backlog.take_first().unwrap();
        backlog.forget(done.id);
        backlog.add(waiting(1, Priority::Normal, 5));
        assert_eq!(backlog.len(), 1);
    }
}
