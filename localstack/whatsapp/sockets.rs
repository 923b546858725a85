//! The record of linked clients' sockets: when each logged in and ended, what it sent, and whether it sent
//! anything after a newer one of the same client had logged in. For tests of clients that run twice.
//!
//! In memory only, and only of late: a restart forgets it.

use std::collections::{HashMap, VecDeque};

use shared::clock::Timestamp;

use super::{address::Address, state::ConnectionId};

/// How many sockets of a client are remembered.
const SOCKETS: usize = 512;

/// How many messages of a socket are remembered by their ids.
const MESSAGES: usize = 4096;

/// One socket of a linked client, from its login on.
#[derive(Debug, Clone)]
pub struct SocketRecord {
    pub connection: ConnectionId,
    pub logged_in_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// It was still open when a newer one of the same client logged in.
    pub replaced: bool,
    /// How many messages came on it.
    pub messages: u64,
    /// The ids of the latest of them.
    pub message_ids: VecDeque<String>,
    /// The ids of messages that came after a newer socket had logged in. The sandbox did not take them.
    pub late_messages: Vec<String>,
    /// How many stanzas of any kind came after a newer socket had logged in.
    pub late_stanzas: u64,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub struct SocketLog {
    clients: HashMap<Address, VecDeque<SocketRecord>>,
    owners: HashMap<ConnectionId, Address>,
}

impl SocketLog {
    /// A socket has logged in, in place of one that was still open.
    pub fn logged_in(
        &mut self,
        client: &Address,
        connection: ConnectionId,
        instead_of: Option<ConnectionId>,
        now: Timestamp,
    ) {
        let records = self.clients.entry(client.clone()).or_default();
        if records.len() == SOCKETS
            && let Some(oldest) = records.pop_front()
        {
            self.owners.remove(&oldest.connection);
        }
        if let Some(before) = records.back_mut() {
            before.replaced = Some(before.connection) == instead_of;
        }
        records.push_back(SocketRecord {
            connection,
            logged_in_at: now,
            ended_at: None,
            replaced: false,
            messages: 0,
            message_ids: VecDeque::new(),
            late_messages: Vec::new(),
            late_stanzas: 0,
        });
        self.owners.insert(connection, client.clone());
    }

    /// A socket has ended, by whomever.
    pub fn ended(&mut self, connection: ConnectionId, now: Timestamp) {
        if let Some(record) = self.record(connection) {
            record.ended_at = record.ended_at.or(Some(now));
        }
    }

    /// A message came on a socket that is the newest of its client.
    pub fn message(&mut self, connection: ConnectionId, id: &str) {
        let Some(record) = self.record(connection) else { return };
        record.messages += 1;
        if record.message_ids.len() == MESSAGES {
            record.message_ids.pop_front();
        }
        record.message_ids.push_back(id.to_owned());
    }

    /// Something came on a socket that the server has closed. Counts when a newer one had logged in, which is
    /// the answer.
    pub fn after_the_end(&mut self, connection: ConnectionId, message: Option<String>) -> bool {
        let Some(record) = self.record(connection).filter(|record| record.replaced) else { return false };
        record.late_stanzas += 1;
        record.late_messages.extend(message);
        true
    }

    /// Whether a newer socket took this one's place.
    pub fn was_replaced(&self, connection: ConnectionId) -> bool {
        let client = self.owners.get(&connection);
        let mut records = client.and_then(|client| self.clients.get(client)).into_iter().flatten();
        records.any(|record| record.connection == connection && record.replaced)
    }

    /// The sockets of a client, oldest first.
    pub fn of(&self, client: &Address) -> impl Iterator<Item = &SocketRecord> {
        self.clients.get(client).into_iter().flatten()
    }

    fn record(&mut self, connection: ConnectionId) -> Option<&mut SocketRecord> {
        let records = self.clients.get_mut(self.owners.get(&connection)?)?;
        records.iter_mut().rev().find(|record| record.connection == connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn what_comes_on_an_old_socket_is_told_apart() {
        let (mut log, client) = (SocketLog::default(), Address::new("1", 1));
        log.logged_in(&client, 7, None, at(0));
        log.message(7, "A");
        assert!(!log.after_the_end(7, Some("not replaced".into())));
        log.ended(7, at(10));
        log.logged_in(&client, 8, Some(7), at(10));
        assert!(log.after_the_end(7, Some("B".into())) && log.after_the_end(7, None));
        let sockets: Vec<_> = log.of(&client).collect();
        assert_eq!(sockets[0].message_ids, ["A"]);
        assert_eq!((&sockets[0].late_messages[..], sockets[0].late_stanzas), (&["B".to_owned()][..], 2));
        assert!(log.was_replaced(7) && !log.was_replaced(8));
    }

    #[test]
    fn a_socket_that_ended_before_is_not_replaced_by_the_next() {
        let (mut log, client) = (SocketLog::default(), Address::new("1", 1));
        log.logged_in(&client, 1, None, at(0));
        log.ended(1, at(5));
        log.logged_in(&client, 2, None, at(9));
        assert!(!log.was_replaced(1));
        assert!(!log.after_the_end(1, None));
    }

    #[test]
    fn the_oldest_sockets_are_forgotten() {
        let (mut log, client) = (SocketLog::default(), Address::new("1", 1));
        for n in 0..2 * SOCKETS as u64 {
            log.logged_in(&client, n, None, at(0));
        }
        assert_eq!((log.of(&client).count(), log.owners.len()), (SOCKETS, SOCKETS));
    }
}
