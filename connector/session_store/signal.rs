//! Sessions, identities, prekeys and sender keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use prost::Message;
use whatsapp_rust::wacore::store::{
    error::{Result, StoreError},
    traits::SignalStore,
};

use super::{
    SessionStore, Touched,
    image::{Image, prekey_bit},
    rows::{Numbered, NumberedRow, PREKEYS_PER_ROW, PeerDevice, RowName},
};

/// The person an address belongs to: the address without its device, `user[:device]@server`.
fn peer_of(address: &str) -> String {
    match (address.find(':'), address.rfind('@')) {
        (Some(colon), Some(at)) if colon < at => [&address[..colon], &address[at..]].concat(),
        _ => address.to_owned(),
    }
}

impl Image {
    fn peer_device(&self, address: &str) -> Option<&PeerDevice> {
        self.peers.get(&peer_of(address))?.iter().find(|device| device.address == address)
    }

    fn change_peer_device(
        &mut self,
        touched: &mut Touched,
        address: &str,
        change: impl FnOnce(&mut PeerDevice),
    ) {
        let peer = peer_of(address);
        let devices = self.peers.entry(peer.clone()).or_default();
        let place = devices.iter().position(|device| device.address == address).unwrap_or_else(|| {
            devices.push(PeerDevice { address: address.to_owned(), ..PeerDevice::default() });
            devices.len() - 1
        });
        change(&mut devices[place]);
        devices.retain(|device| device.identity.is_some() || device.session.is_some());
        if devices.is_empty() {
            self.peers.remove(&peer);
        }
        touched.now.insert(RowName::Peer(peer));
    }

    fn forget_of_peer_device(
        &mut self,
        touched: &mut Touched,
        address: &str,
        change: impl FnOnce(&mut PeerDevice),
    ) {
        if self.peer_device(address).is_some() {
            self.change_peer_device(touched, address, change);
        }
    }

    fn store_prekeys(&mut self, touched: &mut Touched, prekeys: &[(u32, Bytes)]) {
        let mut chunks: BTreeMap<u32, BTreeMap<u32, Bytes>> = BTreeMap::new();
        for (id, record) in prekeys {
            let chunk = id / PREKEYS_PER_ROW;
            let former =
                || self.prekeys_in(chunk).into_iter().map(|prekey| (prekey.id, prekey.record)).collect();
            chunks.entry(chunk).or_insert_with(former).insert(*id, record.clone());
        }
        for (chunk, records) in chunks {
            let records = records.into_iter().map(|(id, record)| Numbered { id, record }).collect();
            self.prekeys.insert(chunk, NumberedRow { records }.encode_to_vec().into());
            touched.now.insert(RowName::Prekeys(chunk));
            // The used ones were left out above.
            if self.prekeys_used.remove(&chunk).is_some() {
                touched.now.insert(RowName::PrekeysUsed);
            }
        }
    }

    fn remove_prekey(&mut self, touched: &mut Touched, id: u32) {
        let chunk = id / PREKEYS_PER_ROW;
        let left = self.prekeys_in(chunk);
        if !left.iter().any(|prekey| prekey.id == id) {
            return;
        }
        if left.len() == 1 {
            self.prekeys.remove(&chunk);
            self.prekeys_used.remove(&chunk);
            touched.now.insert(RowName::Prekeys(chunk));
        } else {
            *self.prekeys_used.entry(chunk).or_default() |= prekey_bit(id);
        }
        touched.now.insert(RowName::PrekeysUsed);
    }
}

#[async_trait]
impl SignalStore for SessionStore {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        self.put_identities_batch(&[(Arc::from(address), key)]).await
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> Result<()> {
        self.change(|image, touched| {
            for (address, key) in identities {
                let key = Bytes::copy_from_slice(key);
                image.change_peer_device(touched, address, |device| device.identity = Some(key));
            }
        })
        .await
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        let key = self.read(|image| image.peer_device(address)?.identity.clone());
        key.map(|key| {
            key.as_ref().try_into().map_err(|_| StoreError::Validation("identity is not 32 bytes".into()))
        })
        .transpose()
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        self.change(|image, touched| {
            image.forget_of_peer_device(touched, address, |device| device.identity = None)
        })
        .await
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        Ok(self.read(|image| image.peer_device(address)?.session.clone()))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        self.put_sessions_batch(&[(Arc::from(address), Bytes::copy_from_slice(session))]).await
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.change(|image, touched| {
            for (address, session) in sessions {
                let session = session.clone();
                image.change_peer_device(touched, address, |device| device.session = Some(session));
            }
        })
        .await
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        self.change(|image, touched| {
            image.forget_of_peer_device(touched, address, |device| device.session = None)
        })
        .await
    }

    async fn has_session(&self, address: &str) -> Result<bool> {
        Ok(self.read(|image| image.peer_device(address).is_some_and(|device| device.session.is_some())))
    }

    async fn has_signal_state_for_user(&self, user: &str) -> Result<bool> {
        let of_user = format!("{user}@");
        Ok(self.read(|image| {
            let mut from = image.peers.range(of_user.clone()..);
            from.next().is_some_and(|(peer, _)| peer.starts_with(&of_user))
        }))
    }

    async fn store_prekey(&self, id: u32, record: &[u8], uploaded: bool) -> Result<()> {
        self.store_prekeys_batch(&[(id, Bytes::copy_from_slice(record))], uploaded).await
    }

    /// Nothing ever asks whether a prekey was uploaded: the library goes by the watermark in its device
    /// record. So the mark is not stored.
    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], _uploaded: bool) -> Result<()> {
        self.change(|image, touched| image.store_prekeys(touched, keys)).await
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        Ok(self.load_prekeys_batch(&[id]).await?.pop().map(|(_, record)| record))
    }

    async fn load_prekeys_batch(&self, ids: &[u32]) -> Result<Vec<(u32, Bytes)>> {
        let wanted: BTreeSet<_> = ids.iter().copied().collect();
        let chunks: BTreeSet<_> = ids.iter().map(|id| id / PREKEYS_PER_ROW).collect();
        let prekeys: Vec<_> =
            self.read(|image| chunks.into_iter().flat_map(|chunk| image.prekeys_in(chunk)).collect());
        Ok(prekeys
            .into_iter()
            .filter(|prekey| wanted.contains(&prekey.id))
            .map(|prekey| (prekey.id, prekey.record))
            .collect())
    }

    async fn mark_prekeys_uploaded(&self, _ids: &[u32]) -> Result<()> {
        Ok(())
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.change(|image, touched| image.remove_prekey(touched, id)).await
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        Ok(self.read(|image| {
            let newest_first = image.prekeys.keys().rev();
            let highest = newest_first
                .filter_map(|chunk| image.prekeys_in(*chunk).iter().map(|prekey| prekey.id).max());
            highest.take(1).next().unwrap_or_default()
        }))
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        let record = Bytes::copy_from_slice(record);
        self.change(|image, touched| {
            image.signed_prekeys.insert(id, record);
            touched.now.insert(RowName::SignedPrekeys);
        })
        .await
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|image| image.signed_prekeys.get(&id).map(|record| record.to_vec())))
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        Ok(self
            .read(|image| image.signed_prekeys.iter().map(|(id, record)| (*id, record.to_vec())).collect()))
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.change(|image, touched| {
            if image.signed_prekeys.remove(&id).is_some() {
                touched.now.insert(RowName::SignedPrekeys);
            }
        })
        .await
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        self.put_sender_keys_batch(&[(Arc::from(address), Bytes::copy_from_slice(record))]).await
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.change(|image, touched| {
            for (address, record) in sender_keys {
                image.sender_keys.insert(address.to_string(), record.clone());
                touched.now.insert(RowName::SenderKey(address.to_string()));
            }
        })
        .await
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|image| image.sender_keys.get(address).map(|record| record.to_vec())))
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.change(|image, touched| {
            if image.sender_keys.remove(address).is_some() {
                touched.now.insert(RowName::SenderKey(address.to_owned()));
            }
        })
        .await
    }
}
