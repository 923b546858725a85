//! The order in which chats are shown: by the moment of their newest message, from an index that knows only its
//! day. A day is read whole and sorted. One with very many chats is read in parts, each sorted by itself, so
//! that no request reads without end.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
};

use super::super::{Page, StoreError, keys};
use crate::{cursor::LastKey, domain::chat::Chat};

/// The largest part of a day that is read at a time.
const MAX_READ_OF_DAY: usize = 5_000;

/// How many places of the index are read at a time.
const READ: u16 = 250;

/// Where places and chats come from.
pub(super) trait Source {
    /// The first places below this one, from the highest down, and whether these are the last.
    async fn places(&self, below: Option<&str>, limit: u16) -> Result<(Vec<String>, bool), StoreError>;

    /// These chats, in any order.
    async fn chats(&self, jids: Vec<&str>) -> Result<Vec<Chat>, StoreError>;
}

/// A day, or a part of one: the places below `below`, down to `to` and with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    below: String,
    to: String,
}

/// Where a page ended.
#[derive(Debug, Clone)]
struct Mark {
    part: Part,
    /// The position of the last chat that was shown.
    after: String,
}

/// The chats behind `from`, at most `limit`.
pub(super) async fn page(
    source: &impl Source,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Chat>, StoreError> {
    page_of(source, limit, from, MAX_READ_OF_DAY).await
}

async fn page_of(
    source: &impl Source,
    limit: u16,
    from: Option<LastKey>,
    most: usize,
) -> Result<Page<Chat>, StoreError> {
    let limit = usize::from(limit);
    let mark = from.and_then(Mark::read);
    let mut begun = mark.as_ref().map(|mark| mark.part.clone());
    let mut places = Places::new(source, begun.as_ref().map(|part| part.below.clone()));
    let mut shown: Vec<(Chat, Part)> = Vec::new();
    // One more than is wanted tells whether there is more.
    while shown.len() <= limit {
        // Parts are small, mostly: the chats of several are read at once.
        let (mut parts, mut count) = (Vec::new(), 0);
        while shown.len() + count <= limit {
            let Some((part, found)) = places.next_part(begun.take(), most).await? else { break };
            count += found.len();
            parts.push((part, found));
        }
        if parts.is_empty() {
            break;
        }
        // A chat that is just moving to another day may be seen in both: the later one counts.
        let mut home = HashMap::new();
        for (n, (_, found)) in parts.iter().enumerate() {
            for place in found {
                home.entry(jid_of(place)).or_insert(n);
            }
        }
        let mut chats = source.chats(home.keys().copied().collect()).await?;
        chats.sort_by_cached_key(|chat| Reverse(position(chat)));
        let mut of_part = vec![Vec::new(); parts.len()];
        for chat in chats {
            if let Some(n) = home.get(chat.jid.to_string().as_str()) {
                of_part[*n].push(chat);
            }
        }
        for ((part, _), chats) in parts.into_iter().zip(of_part) {
            let after = mark.as_ref().filter(|mark| mark.part == part).map(|mark| mark.after.as_str());
            let behind = |chat: &Chat| after.is_none_or(|after| position(chat).as_str() < after);
            shown.extend(chats.into_iter().filter(behind).map(|chat| (chat, part.clone())));
        }
    }
    let is_end = shown.len() <= limit;
    shown.truncate(limit);
    let next = shown.last().filter(|_| !is_end);
    let next = next.map(|(chat, part)| Mark { part: part.clone(), after: position(chat) }.write());
    Ok(Page { items: shown.into_iter().map(|(chat, _)| chat).collect(), next })
}

/// The places of the index, part by part.
struct Places<'a, S> {
    source: &'a S,
    read: VecDeque<String>,
    /// What is not read yet is below that.
    below: Option<String>,
    is_end: bool,
    /// Where the last part ended.
    to: String,
}

impl<'a, S: Source> Places<'a, S> {
    fn new(source: &'a S, below: Option<String>) -> Self {
        Self { source, read: VecDeque::new(), below, is_end: false, to: String::new() }
    }

    /// The next part with its places: this one, or else as much of the next day as one may have. `None` at the
    /// end.
    async fn next_part(
        &mut self,
        begun: Option<Part>,
        most: usize,
    ) -> Result<Option<(Part, Vec<String>)>, StoreError> {
        let mut found = Vec::new();
        if let Some(part) = begun {
            while let Some(place) = self.next_if(|place| *place >= *part.to).await? {
                found.push(place);
            }
            self.to.clone_from(&part.to);
            return Ok(Some((part, found)));
        }
        let Some(first) = self.next_if(|_| true).await? else { return Ok(None) };
        let day = format!("{}#", day_of(&first));
        // `~` comes behind every character of a JID. The rest of a day begins where its first part ended.
        let below =
            if self.to > day && self.to.starts_with(&day) { self.to.clone() } else { format!("{day}~") };
        found.push(first);
        while found.len() < most {
            let Some(place) = self.next_if(|place| place.starts_with(&day)).await? else { break };
            found.push(place);
        }
        self.to = match found.last() {
            Some(last) if found.len() >= most => last.clone(),
            _ => day,
        };
        Ok(Some((Part { below, to: self.to.clone() }, found)))
    }

    /// Takes the next place, if it is such a one.
    async fn next_if(&mut self, wanted: impl Fn(&str) -> bool) -> Result<Option<String>, StoreError> {
        if self.read.is_empty() && !self.is_end {
            let (places, is_end) = self.source.places(self.below.as_deref(), READ).await?;
            self.is_end = is_end;
            self.below = places.last().cloned().or(self.below.take());
            self.read = places.into();
        }
        match self.read.front() {
            Some(place) if wanted(place) => Ok(self.read.pop_front()),
            _ => Ok(None),
        }
    }
}

fn day_of(place: &str) -> &str {
    place.split_once('#').map_or(place, |(day, _)| day)
}

fn jid_of(place: &str) -> &str {
    place.split_once('#').map_or(place, |(_, jid)| jid)
}

fn position(chat: &Chat) -> String {
    keys::position(chat.last_message_at, &chat.jid.to_string())
}

impl Mark {
    fn read(mut key: LastKey) -> Option<Self> {
        let part = Part { below: key.remove("below")?, to: key.remove("to")? };
        Some(Self { part, after: key.remove("after")? })
    }

    fn write(self) -> LastKey {
        let Self { part: Part { below, to }, after } = self;
        [("below", below), ("to", to), ("after", after)].map(|(name, text)| (name.to_owned(), text)).into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{clock::Timestamp, domain::ids::MessageId};
    use proptest::prelude::*;

    const DAY_MS: i64 = 24 * 3600 * 1000;

    /// A table with its index, in memory.
    #[derive(Default)]
    struct Table(BTreeMap<String, Chat>);

    impl Table {
        fn touch(&mut self, n: u32, at: i64) {
            let at = Timestamp::from_unix_millis(1_790_000_000_000 + at);
            let chat = Chat {
                jid: format!("+62812{:07}", 1_000_000 + n).parse().unwrap(),
                lid: None,
                name: None,
                last_message_at: at,
                last_message_id: MessageId::derived([0; 32]),
                last_message_preview: String::new(),
            };
            self.0.retain(|_, other| other.jid != chat.jid);
            self.0.insert(keys::activity(at, &chat.jid), chat);
        }

        fn in_order(&self) -> Vec<String> {
            let mut all: Vec<_> = self.0.values().map(position).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all
        }

        async fn page(
            &self,
            limit: u16,
            from: Option<LastKey>,
            most: usize,
        ) -> (Vec<String>, Option<LastKey>) {
            let page = page_of(self, limit, from, most).await.unwrap();
            assert!(page.items.len() <= usize::from(limit));
            (page.items.iter().map(position).collect(), page.next)
        }

        async fn all_pages(&self, limit: u16, most: usize) -> Vec<String> {
            let (mut seen, mut from) = (Vec::new(), None);
            loop {
                let (items, next) = self.page(limit, from, most).await;
                assert!(!items.is_empty() || next.is_none());
                seen.extend(items);
                from = next;
                if from.is_none() {
                    return seen;
                }
            }
        }
    }

    impl Source for Table {
        async fn places(&self, below: Option<&str>, limit: u16) -> Result<(Vec<String>, bool), StoreError> {
            let all = self.0.keys().rev().filter(|place| below.is_none_or(|below| place.as_str() < below));
            // Few at a time, so that parts go over several reads.
            let limit = usize::from(limit).min(3);
            let found: Vec<_> = all.clone().take(limit).cloned().collect();
            let is_end = found.len() == all.count();
            Ok((found, is_end))
        }

        async fn chats(&self, jids: Vec<&str>) -> Result<Vec<Chat>, StoreError> {
            let distinct: std::collections::HashSet<_> = jids.iter().collect();
            assert_eq!(distinct.len(), jids.len(), "DynamoDB refuses a key that is asked for twice");
            Ok(self
                .0
                .values()
                .filter(|chat| jids.contains(&chat.jid.to_string().as_str()))
                .cloned()
                .collect())
        }
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
    }

    fn table_of(touches: &[(u32, i64)]) -> Table {
        let mut table = Table::default();
        touches.iter().for_each(|(n, at)| table.touch(*n, *at));
        table
    }

    fn touches() -> impl Strategy<Value = Vec<(u32, i64)>> {
        prop::collection::vec((0u32..60, 0..5 * DAY_MS), 0..60)
    }

    proptest! {
        #[test]
        fn pages_show_every_chat_once_with_the_newest_message_first(touches in touches(), limit in 1u16..12) {
            let table = table_of(&touches);
            prop_assert_eq!(run(table.all_pages(limit, MAX_READ_OF_DAY)), table.in_order());
        }

        #[test]
        fn a_day_that_is_read_in_parts_shows_every_chat_once_and_the_days_in_order(
            touches in touches(),
            limit in 1u16..12,
            most in 1usize..6,
        ) {
            let table = table_of(&touches);
            let seen = run(table.all_pages(limit, most));
            let days: Vec<_> = seen.iter().map(|position| position[..10].to_owned()).collect();
            prop_assert!(days.is_sorted_by(|a, b| a >= b));
            let mut sorted = seen;
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            prop_assert_eq!(sorted, table.in_order());
        }

        /// What changes between two pages moves to the front, and takes nothing else with it.
        #[test]
        fn what_stays_as_it_is_is_shown_once_whatever_else_moves_up(
            touches in touches(),
            moved in prop::collection::vec(0u32..80, 0..20),
            limit in 1u16..12,
            most in 1usize..70,
        ) {
            let mut table = table_of(&touches);
            let still: Vec<_> = table.0.values().filter(|chat| {
                !moved.iter().any(|n| chat.jid.to_string().contains(&format!("{}@", 1_000_000 + n)))
            }).map(position).collect();
            let (mut seen, next) = run(table.page(limit, None, most));
            for (n, moved) in moved.iter().enumerate() {
                table.touch(*moved, 5 * DAY_MS + n as i64);
            }
            let mut from = next;
            while let Some(key) = from {
                let (items, next) = run(table.page(limit, Some(key), most));
                seen.extend(items);
                from = next;
            }
            for chat in still {
                prop_assert_eq!(seen.iter().filter(|one| **one == chat).count(), 1, "{}", chat);
            }
        }
    }
}
