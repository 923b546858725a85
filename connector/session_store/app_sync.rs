//! The keys, versions and MACs of WhatsApp's app state (contacts, archive, mute …).

use std::collections::HashMap;

use async_trait::async_trait;
use whatsapp_rust::wacore::{
    appstate::{hash::HashState, processor::AppStateMutationMAC},
    store::{
        error::{Result, StoreError},
        traits::{AppStateSyncKey, AppSyncStore},
    },
};

use super::{
    SessionStore,
    image::{Mac, mac_bucket_of},
    rows::{RowName, SyncKey, SyncVersionRow},
};

fn mac(bytes: &[u8]) -> Result<Mac> {
    bytes.try_into().map_err(|_| StoreError::Validation("an app state MAC is not 32 bytes".into()))
}

fn row_of(collection: &str, index: &Mac) -> RowName {
    RowName::SyncMacs(collection.to_owned(), mac_bucket_of(index))
}

#[async_trait]
impl AppSyncStore for SessionStore {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        let key = self.read(|image| image.sync_keys.keys.iter().find(|key| key.id == key_id).cloned());
        Ok(key.map(|key| AppStateSyncKey {
            key_data: key.data,
            fingerprint: key.fingerprint,
            timestamp: key.timestamp,
        }))
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let id = key_id.to_vec();
        self.change(|image, touched| {
            let keys = &mut image.sync_keys;
            keys.keys.retain(|stored| stored.id != id);
            keys.latest = Some(id.clone());
            keys.keys.push(SyncKey {
                id,
                data: key.key_data,
                fingerprint: key.fingerprint,
                timestamp: key.timestamp,
            });
            touched.now.insert(RowName::SyncKeys);
        })
        .await
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        let Some(row) = self.read(|image| image.sync_versions.get(name).cloned()) else {
            return Ok(HashState::default());
        };
        let hash = row
            .hash
            .try_into()
            .map_err(|_| StoreError::Validation("an app state hash is not 128 bytes".into()))?;
        Ok(HashState {
            version: row.version,
            hash,
            index_value_map: row.index_value_map,
            mac_mismatch_fatal: row.mac_mismatch_fatal,
        })
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        let row = SyncVersionRow {
            collection: name.to_owned(),
            version: state.version,
            hash: state.hash.to_vec(),
            index_value_map: state.index_value_map,
            mac_mismatch_fatal: state.mac_mismatch_fatal,
        };
        self.change(|image, touched| {
            image.sync_versions.insert(name.to_owned(), row);
            touched.now.insert(RowName::SyncVersion(name.to_owned()));
        })
        .await
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        _version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> Result<()> {
        let macs = mutations
            .iter()
            .map(|mutation| Ok((mac(&mutation.index_mac)?, mac(&mutation.value_mac)?)))
            .collect::<Result<Vec<_>>>()?;
        self.change(|image, touched| {
            let stored = image.sync_macs.entry(name.to_owned()).or_default();
            for (index, value) in macs {
                stored.insert(index, value);
                touched.now.insert(row_of(name, &index));
            }
        })
        .await
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        let index = mac(index_mac)?;
        Ok(self.read(|image| image.sync_macs.get(name)?.get(&index).map(|value| value.to_vec())))
    }

    async fn get_mutation_macs(
        &self,
        name: &str,
        index_macs: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<u8>>> {
        Ok(self.read(|image| {
            let Some(stored) = image.sync_macs.get(name) else { return HashMap::new() };
            index_macs.iter().filter_map(|index| Some((*index, stored.get(index)?.to_vec()))).collect()
        }))
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        let indexes = index_macs.iter().map(|index| mac(index)).collect::<Result<Vec<_>>>()?;
        self.change(|image, touched| {
            let Some(stored) = image.sync_macs.get_mut(name) else { return };
            for index in indexes {
                if stored.remove(&index).is_some() {
                    touched.now.insert(row_of(name, &index));
                }
            }
        })
        .await
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        self.change(|image, touched| {
            let gone = image.sync_macs.remove(name).unwrap_or_default();
            touched.now.extend(gone.keys().map(|index| row_of(name, index)));
        })
        .await
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|image| image.sync_keys.latest.clone()))
    }
}
