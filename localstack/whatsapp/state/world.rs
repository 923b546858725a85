//! Everything the sandbox knows, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use wacore_binary::{Jid, Server};

use super::{
    rows::{AccountRow, CompanionRow, GroupRow, MessageKey, MessageRow, PhoneKey, QueuedRow},
    store::Outbox,
};
use crate::whatsapp::{
    address::{Address, Addressing},
    faults::Faults,
    pairing::Pairing,
    sockets::SocketLog,
    stats::Stats,
};

/// Names a connection for as long as the process lives.
pub type ConnectionId = u64;

/// An open socket after its handshake.
pub struct Connection {
    pub outbox: Outbox,
    /// Which client this is; `None` while it waits to be linked.
    pub client: Option<Address>,
}

/// A linked client.
pub struct Companion {
    pub row: CompanionRow,
    /// One-time public keys still to be given out.
    pub pool: VecDeque<(u32, Vec<u8>)>,
    /// What it has not acknowledged, in the order of sending.
    pub queue: BTreeMap<u64, QueuedRow>,
    pub online: Option<ConnectionId>,
    /// It said that it is ready for what was kept for it.
    pub active: bool,
    /// It was told that its one-time keys run low, and has not uploaded since.
    pub told_low: bool,
}

impl Companion {
    pub fn new(row: CompanionRow) -> Self {
        Self {
            row,
            pool: VecDeque::new(),
            queue: BTreeMap::new(),
            online: None,
            active: false,
            told_low: false,
        }
    }
}

/// What a phone remembers.
#[derive(Default)]
pub struct PhoneState {
    pub keys: BTreeMap<u32, PhoneKey>,
    /// Signal sessions by the peer's [`Address`].
    pub sessions: HashMap<String, Vec<u8>>,
    /// Group sender keys by the library's name for them.
    pub sender_keys: HashMap<String, Vec<u8>>,
    pub messages: Vec<MessageRow>,
    /// Where the messages with an id are in `messages`.
    positions: HashMap<String, Vec<usize>>,
    /// How often a device was asked to send a message again.
    pub retries: HashMap<(MessageKey, u16), u32>,
}

impl PhoneState {
    /// Adds a message; its position.
    pub fn push(&mut self, row: MessageRow) -> usize {
        let position = self.messages.len();
        self.positions.entry(row.id.clone()).or_default().push(position);
        self.messages.push(row);
        position
    }

    /// Where a message is.
    pub fn position(&self, key: &MessageKey) -> Option<usize> {
        self.with_id(&key.id).find(|at| self.messages[*at].key() == *key)
    }

    /// Where the messages with an id are, oldest first.
    pub fn with_id(&self, id: &str) -> impl Iterator<Item = usize> + '_ {
        self.positions.get(id).into_iter().flatten().copied()
    }
}

/// A phone number with everything that belongs to it.
pub struct Account {
    pub row: AccountRow,
    pub phone: PhoneState,
    pub companions: BTreeMap<u16, Companion>,
    /// Who is told when `companions` changes.
    pub watchers: BTreeSet<Address>,
}

impl Account {
    pub fn new(row: AccountRow) -> Self {
        Self { row, phone: PhoneState::default(), companions: BTreeMap::new(), watchers: BTreeSet::new() }
    }

    pub fn addressing(&self) -> Addressing {
        if self.row.by_lid { Addressing::Lid } else { Addressing::Pn }
    }

    /// The JID of one of its devices under either name.
    pub fn jid(&self, device: u16, addressing: Addressing) -> Jid {
        match addressing {
            Addressing::Pn => Jid::pn_device(self.row.number.as_str(), device),
            Addressing::Lid => Jid::lid_device(self.row.lid.as_str(), device),
        }
    }

    /// All its devices, the phone first.
    pub fn devices(&self) -> impl Iterator<Item = Address> + '_ {
        std::iter::once(0)
            .chain(self.companions.keys().copied())
            .map(|device| Address::new(self.row.number.as_str(), device))
    }
}

/// Everything, behind one lock.
#[derive(Default)]
pub struct World {
    pub accounts: HashMap<String, Account>,
    /// Numbers by LID.
    pub lids: HashMap<String, String>,
    pub groups: BTreeMap<String, GroupRow>,
    pub connections: HashMap<ConnectionId, Connection>,
    pub pairing: Pairing,
    pub faults: Faults,
    pub stats: Stats,
    pub sockets: SocketLog,
    pub chats: Chats,
    /// The last number given to a connection, a queued stanza, a notification.
    pub sequence: u64,
}

impl World {
    /// The next unique number.
    pub fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub fn add_account(&mut self, account: Account) {
        self.lids.insert(account.row.lid.clone(), account.row.number.clone());
        self.accounts.insert(account.row.number.clone(), account);
    }

    /// Whom a JID means, by either name. The account may not exist; a LID that is unknown means
    /// nobody.
    pub fn resolve(&self, jid: &Jid) -> Option<Address> {
        match jid.server {
            Server::Pn | Server::Legacy => {
                (!jid.user.is_empty()).then(|| Address::new(jid.user.as_str(), jid.device))
            }
            Server::Lid => Some(Address::new(self.lids.get(jid.user.as_str())?.as_str(), jid.device)),
            _ => None,
        }
    }

    pub fn account_of(&self, jid: &Jid) -> Option<&Account> {
        self.accounts.get(&self.resolve(jid)?.number)
    }

    pub fn companion(&self, at: &Address) -> Option<&Companion> {
        self.accounts.get(&at.number)?.companions.get(&at.device)
    }

    pub fn companion_mut(&mut self, at: &Address) -> Option<&mut Companion> {
        self.accounts.get_mut(&at.number)?.companions.get_mut(&at.device)
    }

    /// The JID of a device of an existing account.
    pub fn jid(&self, at: &Address, addressing: Addressing) -> Option<Jid> {
        Some(self.accounts.get(&at.number)?.jid(at.device, addressing))
    }
}

/// How many messages' addressing is remembered.
const REMEMBERED_CHATS: usize = 20_000;

/// Under which name the sender of a message knew its receiver. A receipt comes back under the name
/// that the message went to. Forgotten on restart, when the receiver's own way is used instead.
#[derive(Default)]
pub struct Chats {
    by_message: HashMap<(String, String), Addressing>,
    order: VecDeque<(String, String)>,
}

impl Chats {
    pub fn remember(&mut self, sender: &str, message: &str, addressing: Addressing) {
        let key = (sender.to_owned(), message.to_owned());
        if self.by_message.insert(key.clone(), addressing).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED_CHATS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_message.remove(&oldest);
        }
    }

    pub fn addressing(&self, sender: &str, message: &str) -> Option<Addressing> {
        self.by_message.get(&(sender.to_owned(), message.to_owned())).copied()
    }
}
