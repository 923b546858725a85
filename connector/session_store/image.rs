//! A device's keys in memory: its rows, unpacked as far as reading and changing them needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use prost::Message;
use thiserror::Error;

use super::{
    reserve::as_stored,
    rows::{
        BaseKeyRow, DeviceList, DeviceListsRow, DeviceRow, GroupDevicesRow, LidMapping, LidMappingsRow,
        MissingMessage, MissingRow, NamedRow, Numbered, NumberedRow, PREKEYS_PER_ROW, PeerDevice, PeerRow,
        PendingPiece, PendingRow, PrekeysUsedRow, RowName, Secret, SecretsRow, SentMessage, SentRow,
        SyncKeysRow, SyncMacsRow, SyncVersionRow, TcTokenRow, UsedChunk, kind, kind_of, number_of,
    },
    stored::Stored,
};

/// An app state MAC, index or value: HMAC-SHA256.
pub(super) type Mac = [u8; 32];

/// All keys of one device. An empty collection has no row.
#[derive(Default)]
pub(super) struct Image {
    pub device: Option<DeviceRow>,
    pub peers: BTreeMap<String, Vec<PeerDevice>>,
    /// By chunk, as stored: 812 records would take twice the memory one by one.
    pub prekeys: BTreeMap<u32, Bytes>,
    /// By chunk, one bit for every prekey in it.
    pub prekeys_used: BTreeMap<u32, u128>,
    pub signed_prekeys: BTreeMap<u32, Bytes>,
    pub sender_keys: HashMap<String, Bytes>,
    /// By group: which devices have our sender key, and which need it again.
    pub group_devices: HashMap<String, BTreeMap<String, bool>>,
    pub sync_keys: SyncKeysRow,
    pub sync_versions: HashMap<String, SyncVersionRow>,
    pub sync_macs: HashMap<String, BTreeMap<Mac, Mac>>,
    pub lid_mappings: BTreeMap<u8, Vec<LidMapping>>,
    pub device_lists: BTreeMap<u8, Vec<DeviceList>>,
    pub base_keys: HashMap<(String, String), Vec<u8>>,
    pub group_metadata: HashMap<String, Bytes>,
    pub tc_tokens: BTreeMap<String, TcTokenRow>,
    pub sent: BTreeMap<u32, Vec<SentMessage>>,
    pub pending: BTreeMap<u32, Vec<PendingPiece>>,
    /// The oldest first.
    pub missing: Vec<MissingMessage>,
    pub secrets: BTreeMap<u8, Vec<Secret>>,
    /// Rows that differ from what is stored, but may be written when it suits.
    pub later: BTreeSet<RowName>,
    /// Rows that hold nothing of use any more and wait to be overwritten; since when, unix time, seconds.
    pub spare: BTreeMap<RowName, i64>,
    /// The rows as they are stored.
    pub stored: Stored,
}

/// A row does not have the form of its kind.
#[derive(Debug, Error)]
#[error("row {row} cannot be read: {reason}")]
pub(super) struct ImageError {
    row: String,
    reason: String,
}

impl Image {
    /// Takes in a stored row.
    pub(super) fn load(&mut self, sort_key: &str, content: Vec<u8>) -> Result<(), ImageError> {
        self.stored.loaded(sort_key, &content);
        self.decode(sort_key, content.into())
            .map_err(|reason| ImageError { row: sort_key.to_owned(), reason: reason.to_string() })
    }

    fn decode(&mut self, sort_key: &str, content: Bytes) -> Result<(), prost::DecodeError> {
        let number = number_of(sort_key).unwrap_or_default();
        let bucket = u8::try_from(number).unwrap_or_default();
        match kind_of(sort_key) {
            kind::DEVICE => self.device = Some(DeviceRow::decode(content)?),
            kind::PEER => {
                let row = PeerRow::decode(content)?;
                self.peers.insert(row.name, row.devices);
            }
            kind::PREKEYS => {
                NumberedRow::decode(content.clone())?;
                self.prekeys.insert(number, content);
            }
            kind::PREKEYS_USED => {
                let row = PrekeysUsedRow::decode(content)?;
                let bits = |used: UsedChunk| (used.chunk, u128::from(used.high) << 64 | u128::from(used.low));
                self.prekeys_used = row.chunks.into_iter().map(bits).collect();
            }
            kind::SIGNED_PREKEYS => {
                let row = NumberedRow::decode(content)?;
                self.signed_prekeys = row.records.into_iter().map(|entry| (entry.id, entry.record)).collect();
            }
            kind::SENDER_KEY => {
                let row = NamedRow::decode(content)?;
                self.sender_keys.insert(row.name, row.record);
            }
            kind::GROUP_DEVICES => {
                let row = GroupDevicesRow::decode(content)?;
                let with = row.with_key.into_iter().map(|device| (device, true));
                let devices = with.chain(row.without_key.into_iter().map(|device| (device, false)));
                self.group_devices.insert(row.group, devices.collect());
            }
            kind::SYNC_KEYS => self.sync_keys = SyncKeysRow::decode(content)?,
            kind::MISSING => self.missing = MissingRow::decode(content)?.messages,
            kind::SYNC_VERSION => {
                let row = SyncVersionRow::decode(content)?;
                self.sync_versions.insert(row.collection.clone(), row);
            }
            kind::SYNC_MACS => {
                let row = SyncMacsRow::decode(content)?;
                let (macs, _) = row.macs.as_chunks::<32>();
                let (pairs, _) = macs.as_chunks::<2>();
                self.sync_macs
                    .entry(row.collection)
                    .or_default()
                    .extend(pairs.iter().map(|[index, value]| (*index, *value)));
            }
            kind::LID_MAPPINGS => {
                self.lid_mappings.insert(bucket, LidMappingsRow::decode(content)?.mappings);
            }
            kind::DEVICE_LISTS => {
                self.device_lists.insert(bucket, DeviceListsRow::decode(content)?.lists);
            }
            kind::BASE_KEY => {
                let row = BaseKeyRow::decode(content)?;
                self.base_keys.insert((row.address, row.message_id), row.key);
            }
            kind::GROUP_METADATA => {
                let row = NamedRow::decode(content)?;
                self.group_metadata.insert(row.name, row.record);
            }
            kind::TC_TOKEN => {
                let row = TcTokenRow::decode(content)?;
                self.tc_tokens.insert(row.jid.clone(), row);
            }
            kind::SENT => {
                self.sent.insert(number, SentRow::decode(content)?.messages);
            }
            kind::PENDING => {
                self.pending.insert(number, PendingRow::decode(content)?.pieces);
            }
            kind::SECRETS => {
                self.secrets.insert(bucket, SecretsRow::decode(content)?.secrets);
            }
            // A newer version wrote it: that version will find it again.
            unknown => tracing::warn!(kind = unknown, "unknown kind of session key row left alone"),
        }
        Ok(())
    }

    /// What is to be stored under a name now; `None` when the row is to be deleted.
    pub(super) fn encode(&self, row: &RowName) -> Option<Vec<u8>> {
        match row {
            RowName::Device => self.device.as_ref().map(Message::encode_to_vec),
            RowName::Peer(name) => {
                let mut devices = self.peers.get(name)?.clone();
                for session in devices.iter_mut().filter_map(|device| device.session.as_mut()) {
                    *session = as_stored(session);
                }
                Some(PeerRow { name: name.clone(), devices }.encode_to_vec())
            }
            RowName::Prekeys(chunk) => self.prekeys.get(chunk).map(|content| content.to_vec()),
            RowName::PrekeysUsed => {
                let chunks = self.prekeys_used.iter().map(|(chunk, bits)| UsedChunk {
                    chunk: *chunk,
                    low: *bits as u64,
                    high: (*bits >> 64) as u64,
                });
                filled(&self.prekeys_used, || PrekeysUsedRow { chunks: chunks.collect() })
            }
            RowName::SignedPrekeys => {
                let records = self
                    .signed_prekeys
                    .iter()
                    .map(|(id, record)| Numbered { id: *id, record: record.clone() });
                filled(&self.signed_prekeys, || NumberedRow { records: records.collect() })
            }
            RowName::SenderKey(name) => named(name, &as_stored(self.sender_keys.get(name)?)),
            RowName::GroupMetadata(name) => named(name, self.group_metadata.get(name)?),
            RowName::GroupDevices(group) => {
                let having = |wanted| {
                    let devices = self.group_devices.get(group).into_iter().flatten();
                    devices
                        .filter(move |(_, has)| **has == wanted)
                        .map(|(device, _)| device.clone())
                        .collect()
                };
                let row = GroupDevicesRow {
                    group: group.clone(),
                    with_key: having(true),
                    without_key: having(false),
                };
                self.group_devices.contains_key(group).then(|| row.encode_to_vec())
            }
            RowName::SyncKeys => Some(self.sync_keys.encode_to_vec()),
            RowName::Missing => (!self.missing.is_empty())
                .then(|| MissingRow { messages: self.missing.clone() }.encode_to_vec()),
            RowName::SyncVersion(collection) => {
                self.sync_versions.get(collection).map(Message::encode_to_vec)
            }
            RowName::SyncMacs(collection, bucket) => {
                let macs: Vec<u8> = mac_bucket(self.sync_macs.get(collection)?, *bucket)
                    .flat_map(|(index, value)| [*index, *value].concat())
                    .collect();
                (!macs.is_empty())
                    .then(|| SyncMacsRow { collection: collection.clone(), macs }.encode_to_vec())
            }
            RowName::LidMappings(bucket) => {
                let mappings = self.lid_mappings.get(bucket).filter(|mappings| !mappings.is_empty())?.clone();
                Some(LidMappingsRow { mappings }.encode_to_vec())
            }
            RowName::DeviceLists(bucket) => {
                let lists = self.device_lists.get(bucket).filter(|lists| !lists.is_empty())?.clone();
                Some(DeviceListsRow { lists }.encode_to_vec())
            }
            RowName::BaseKey { address, message_id } => {
                let key = self.base_keys.get(&(address.clone(), message_id.clone()))?.clone();
                Some(
                    BaseKeyRow { address: address.clone(), message_id: message_id.clone(), key }
                        .encode_to_vec(),
                )
            }
            RowName::TcToken(jid) => self.tc_tokens.get(jid).map(Message::encode_to_vec),
            RowName::Sent(segment) => {
                let messages = self.sent.get(segment).filter(|messages| !messages.is_empty())?.clone();
                Some(SentRow { messages }.encode_to_vec())
            }
            RowName::Pending(slot) => {
                let pieces = self.pending.get(slot).filter(|pieces| !pieces.is_empty())?.clone();
                Some(PendingRow { pieces }.encode_to_vec())
            }
            RowName::Secrets(bucket) => {
                let secrets = self.secrets.get(bucket).filter(|secrets| !secrets.is_empty())?.clone();
                Some(SecretsRow { secrets }.encode_to_vec())
            }
        }
    }

    /// The one-time prekeys of a chunk that are not used up.
    pub(super) fn prekeys_in(&self, chunk: u32) -> Vec<Numbered> {
        let Some(content) = self.prekeys.get(&chunk) else { return Vec::new() };
        let used = self.prekeys_used.get(&chunk).copied().unwrap_or_default();
        // It was decoded or encoded before it got here.
        let mut records = NumberedRow::decode(content.clone()).unwrap_or_default().records;
        records.retain(|prekey| used & prekey_bit(prekey.id) == 0);
        records
    }
}

/// The place of a prekey in the bits of its chunk.
pub(super) fn prekey_bit(id: u32) -> u128 {
    1 << (id % PREKEYS_PER_ROW)
}

/// Which row of a collection a MAC is in: neighbours in order share a row.
pub(super) fn mac_bucket_of(index: &Mac) -> u8 {
    index[0] >> 2
}

fn mac_bucket(macs: &BTreeMap<Mac, Mac>, bucket: u8) -> impl Iterator<Item = (&Mac, &Mac)> {
    let mut first = [0; 32];
    first[0] = bucket << 2;
    let mut last = [0xff; 32];
    last[0] = bucket << 2 | 3;
    macs.range(first..=last)
}

fn filled<K, V, M: Message>(entries: &BTreeMap<K, V>, row: impl FnOnce() -> M) -> Option<Vec<u8>> {
    (!entries.is_empty()).then(|| row().encode_to_vec())
}

fn named(name: &str, record: &Bytes) -> Option<Vec<u8>> {
    Some(NamedRow { name: name.to_owned(), record: record.clone() }.encode_to_vec())
}
