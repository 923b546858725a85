//! One change of the world: what it writes and what it lets out, all or nothing on disk.

use std::{collections::VecDeque, time::Duration};

use prost::Message;
use shared::clock::Timestamp;
use tokio::sync::oneshot;
use wacore_binary::Node;

use super::{
    ConnectionId, World,
    rows::{KeyPoolRow, PhoneKeysRow, WatchersRow, keys},
    store::{Batch, Outgoing, Output},
};
use crate::whatsapp::address::Address;

/// A change in progress. It holds the lock on the world, so it never waits for anything.
pub struct Tx<'w> {
    pub world: &'w mut World,
    /// One moment for the whole change.
    pub now: Timestamp,
    batch: Batch,
    /// Stanzas for phones, handled at the end of the change.
    pub phone_inbox: VecDeque<(String, Node)>,
}

impl<'w> Tx<'w> {
    pub fn new(world: &'w mut World, now: Timestamp) -> Self {
        Self { world, now, batch: Batch::default(), phone_inbox: VecDeque::new() }
    }

    /// What is to be saved and let out.
    pub fn into_batch(self) -> Batch {
        self.batch
    }

    /// Seconds since 1970, as stanzas carry time.
    pub fn seconds(&self) -> i64 {
        self.now.unix_seconds()
    }

    /// An id for a stanza of the server.
    pub fn stanza_id(&mut self) -> String {
        format!("{}-{}", self.now.unix_seconds(), self.world.next())
    }

    pub fn put(&mut self, key: String, row: &impl Message) {
        self.batch.writes.push((key, Some(row.encode_to_vec())));
    }

    pub fn put_bytes(&mut self, key: String, value: Vec<u8>) {
        self.batch.writes.push((key, Some(value)));
    }

    pub fn delete(&mut self, key: String) {
        self.batch.writes.push((key, None));
    }

    /// Sends to a connection, after what was sent before.
    pub fn send(&mut self, to: ConnectionId, node: Node) {
        self.emit(to, Outgoing::Node(Box::new(node)), None);
    }

    /// Sends after a while; what comes later may overtake it.
    pub fn send_later(&mut self, to: ConnectionId, node: Node, delay: Duration) {
        self.emit(to, Outgoing::Node(Box::new(node)), Some(delay));
    }

    /// Closes a connection after what was sent to it.
    pub fn close(&mut self, connection: ConnectionId) {
        self.emit(connection, Outgoing::Close, None);
        self.forget(connection);
    }

    /// Cuts a connection as a broken network would.
    pub fn cut(&mut self, connection: ConnectionId) {
        self.emit(connection, Outgoing::Cut, None);
        self.forget(connection);
    }

    /// Takes note that a connection is gone.
    pub fn forget(&mut self, connection: ConnectionId) {
        self.world.pairing.forget(connection);
        let Some(gone) = self.world.connections.remove(&connection) else { return };
        self.world.sockets.ended(connection, self.now);
        if let Some(companion) = gone.client.and_then(|at| self.world.companion_mut(&at))
            && companion.online == Some(connection)
        {
            companion.online = None;
            companion.active = false;
        }
    }

    /// Resolves when everything up to here is on disk.
    pub fn saved(&mut self) -> oneshot::Receiver<()> {
        let (waiter, saved) = oneshot::channel();
        self.batch.outputs.push(Output::Saved(waiter));
        saved
    }

    fn emit(&mut self, to: ConnectionId, outgoing: Outgoing, delay: Option<Duration>) {
        let Some(connection) = self.world.connections.get(&to) else { return };
        let outbox = connection.outbox.clone();
        self.batch.outputs.push(match delay {
            None => Output::Send(outbox, outgoing),
            Some(delay) => Output::SendLater(delay, outbox, outgoing),
        });
    }

    pub fn save_account(&mut self, number: &str) {
        if let Some(account) = self.world.accounts.get(number) {
            let row = account.row.clone();
            self.put(keys::account(number), &row);
        }
    }

    pub fn save_companion(&mut self, at: &Address) {
        if let Some(row) = self.world.companion(at).map(|companion| companion.row.clone()) {
            self.put(keys::companion(at), &row);
        }
    }

    pub fn save_key_pool(&mut self, at: &Address) {
        if let Some(companion) = self.world.companion(at) {
            let row = KeyPoolRow {
                ids: companion.pool.iter().map(|(id, _)| *id).collect(),
                values: companion.pool.iter().flat_map(|(_, value)| value.iter().copied()).collect(),
            };
            self.put(keys::key_pool(at), &row);
        }
    }

    pub fn save_phone_keys(&mut self, number: &str) {
        if let Some(account) = self.world.accounts.get(number) {
            let row = PhoneKeysRow { keys: account.phone.keys.values().cloned().collect() };
            self.put(keys::phone_keys(number), &row);
        }
    }

    pub fn save_watchers(&mut self, number: &str) {
        if let Some(account) = self.world.accounts.get(number) {
            let row = WatchersRow { addresses: account.watchers.iter().map(Address::to_string).collect() };
            self.put(keys::watchers(number), &row);
        }
    }

    pub fn save_message(&mut self, number: &str, position: usize) {
        let row = self.world.accounts.get(number).and_then(|account| account.phone.messages.get(position));
        if let Some(row) = row.cloned() {
            self.put(keys::message(number, position), &row);
        }
    }
}
