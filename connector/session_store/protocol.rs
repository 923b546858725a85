//! What the protocol keeps beside the keys: who has which devices, who is who, what was sent and what
//! arrived.

use std::collections::BTreeMap;

use async_trait::async_trait;
use whatsapp_rust::wacore::store::{
    error::Result,
    traits::{
        DeviceInfo, DeviceListRecord, LidPnMappingEntry, PendingInboundKey, PendingInboundRow, ProtocolStore,
        TcTokenEntry,
    },
};

use super::{
    SessionStore, Touched,
    image::Image,
    messages,
    rows::{DeviceList, LidMapping, ListedDevice, RowName, TcTokenRow, bucket},
};

impl Image {
    fn lid_mapping(&self, lid: &str) -> Option<&LidMapping> {
        self.lid_mappings.get(&bucket(lid))?.iter().find(|mapping| mapping.lid == lid)
    }

    /// Answers whether the pair is news.
    fn put_lid_mapping(&mut self, touched: &mut Touched, entry: &LidPnMappingEntry) -> bool {
        let news = self.lid_mapping(&entry.lid).is_none_or(|known| known.phone_number != entry.phone_number);
        let bucket = bucket(&entry.lid);
        let mappings = self.lid_mappings.entry(bucket).or_default();
        mappings.retain(|mapping| mapping.lid != entry.lid);
        mappings.push(LidMapping {
            lid: entry.lid.clone(),
            phone_number: entry.phone_number.clone(),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            source: entry.learning_source.clone(),
        });
        touched.now.insert(RowName::LidMappings(bucket));
        news
    }

    fn put_device_list(&mut self, touched: &mut Touched, record: DeviceListRecord) {
        let bucket = bucket(&record.user);
        let lists = self.device_lists.entry(bucket).or_default();
        lists.retain(|list| list.user != record.user);
        let listed = |device: DeviceInfo| ListedDevice {
            device: device.device_id,
            key_index: device.key_index,
            hosted: device.is_hosted,
        };
        lists.push(DeviceList {
            user: record.user,
            devices: record.devices.into_iter().map(listed).collect(),
            timestamp: record.timestamp,
            phash: record.phash,
            raw_id: record.raw_id,
        });
        touched.now.insert(RowName::DeviceLists(bucket));
    }

    fn change_tc_token(
        &mut self,
        touched: &mut Touched,
        jid: &str,
        change: impl FnOnce(Option<TcTokenRow>) -> TcTokenRow,
    ) {
        let token = change(self.tc_tokens.remove(jid));
        self.tc_tokens.insert(jid.to_owned(), token);
        touched.now.insert(RowName::TcToken(jid.to_owned()));
    }
}

fn entry_of(mapping: &LidMapping) -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: mapping.lid.clone(),
        phone_number: mapping.phone_number.clone(),
        created_at: mapping.created_at,
        updated_at: mapping.updated_at,
        learning_source: mapping.source.clone(),
    }
}

fn record_of(list: &DeviceList) -> DeviceListRecord {
    let info =
        |device: &ListedDevice| DeviceInfo::new(device.device, device.key_index).with_hosting(device.hosted);
    DeviceListRecord {
        user: list.user.clone(),
        devices: list.devices.iter().map(info).collect(),
        timestamp: list.timestamp,
        phash: list.phash.clone(),
        raw_id: list.raw_id,
    }
}

fn base_key_row(address: &str, message_id: &str) -> RowName {
    RowName::BaseKey { address: address.to_owned(), message_id: message_id.to_owned() }
}

#[async_trait]
impl ProtocolStore for SessionStore {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        Ok(self.read(|image| {
            let devices = image.group_devices.get(group_jid).into_iter().flatten();
            devices.map(|(device, has_key)| (device.clone(), *has_key)).collect()
        }))
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        self.change(|image, touched| {
            let devices = image.group_devices.entry(group_jid.to_owned()).or_default();
            devices.extend(entries.iter().map(|(device, has_key)| ((*device).to_owned(), *has_key)));
            touched.now.insert(RowName::GroupDevices(group_jid.to_owned()));
        })
        .await
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        self.change(|image, touched| {
            if image.group_devices.remove(group_jid).is_some() {
                touched.now.insert(RowName::GroupDevices(group_jid.to_owned()));
            }
        })
        .await
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        self.change(|image, touched| {
            for (group, devices) in &mut image.group_devices {
                let before = devices.len();
                devices.retain(|device, _| !device_jids.contains(&device.as_str()));
                if devices.len() < before {
                    touched.now.insert(RowName::GroupDevices(group.clone()));
                }
            }
            image.group_devices.retain(|_, devices| !devices.is_empty());
        })
        .await
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        self.change(|image, touched| {
            let groups = std::mem::take(&mut image.group_devices).into_keys();
            touched.now.extend(groups.map(RowName::GroupDevices));
        })
        .await
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        Ok(self.read(|image| image.lid_mapping(lid).map(entry_of)))
    }

    /// Looked for in all mappings: the library asks only for numbers that its own index does not have.
    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        Ok(self.read(|image| {
            let of_phone =
                image.lid_mappings.values().flatten().filter(|mapping| mapping.phone_number == phone);
            of_phone.max_by_key(|mapping| (mapping.updated_at, mapping.created_at)).map(entry_of)
        }))
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        self.put_lid_mappings(std::slice::from_ref(entry)).await
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<()> {
        let mut news = Vec::new();
        self.change(|image, touched| {
            for entry in entries {
                if image.put_lid_mapping(touched, entry) {
                    news.push((entry.phone_number.clone(), entry.lid.clone()));
                }
            }
        })
        .await?;
        self.learned.add(news);
        Ok(())
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        Ok(self.read(|image| image.lid_mappings.values().flatten().map(entry_of).collect()))
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        let key = base_key.to_vec();
        self.change(|image, touched| {
            image.base_keys.insert((address.to_owned(), message_id.to_owned()), key);
            touched.now.insert(base_key_row(address, message_id));
        })
        .await
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> Result<bool> {
        let key = (address.to_owned(), message_id.to_owned());
        Ok(self.read(|image| image.base_keys.get(&key).is_some_and(|saved| saved == current_base_key)))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        self.change(|image, touched| {
            if image.base_keys.remove(&(address.to_owned(), message_id.to_owned())).is_some() {
                touched.now.insert(base_key_row(address, message_id));
            }
        })
        .await
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.update_device_lists(vec![record]).await
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> Result<()> {
        self.change(|image, touched| {
            records.into_iter().for_each(|record| image.put_device_list(touched, record));
        })
        .await
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        Ok(self.read(|image| {
            let mut same_bucket = image.device_lists.get(&bucket(user))?.iter();
            same_bucket.find(|list| list.user == user).map(record_of)
        }))
    }

    async fn delete_devices(&self, user: &str) -> Result<()> {
        let bucket = bucket(user);
        self.change(|image, touched| {
            let Some(lists) = image.device_lists.get_mut(&bucket) else { return };
            let before = lists.len();
            lists.retain(|list| list.user != user);
            if lists.len() < before {
                touched.now.insert(RowName::DeviceLists(bucket));
            }
        })
        .await
    }

    async fn get_group_metadata(&self, group_jid: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|image| image.group_metadata.get(group_jid).map(|blob| blob.to_vec())))
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> Result<()> {
        let blob = blob.to_vec().into();
        self.change(|image, touched| {
            image.group_metadata.insert(group_jid.to_owned(), blob);
            touched.now.insert(RowName::GroupMetadata(group_jid.to_owned()));
        })
        .await
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> Result<()> {
        self.change(|image, touched| {
            if image.group_metadata.remove(group_jid).is_some() {
                touched.now.insert(RowName::GroupMetadata(group_jid.to_owned()));
            }
        })
        .await
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        Ok(self.read(|image| {
            image.tc_tokens.get(jid).map(|row| TcTokenEntry {
                token: row.token.clone(),
                token_timestamp: row.received_at,
                sender_timestamp: row.issued_at,
            })
        }))
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        let row = TcTokenRow {
            jid: jid.to_owned(),
            token: entry.token.clone(),
            received_at: entry.token_timestamp,
            issued_at: entry.sender_timestamp,
        };
        self.change(|image, touched| image.change_tc_token(touched, jid, |_| row)).await
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        self.change(|image, touched| {
            if image.tc_tokens.remove(jid).is_some() {
                touched.now.insert(RowName::TcToken(jid.to_owned()));
            }
        })
        .await
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        Ok(self.read(|image| image.tc_tokens.keys().cloned().collect()))
    }

    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        self.change(|image, touched| {
            let dead = |row: &TcTokenRow| {
                (row.token.is_empty() || row.received_at < token_cutoff)
                    && row.issued_at.is_none_or(|issued_at| issued_at < sender_cutoff)
            };
            let (gone, kept): (BTreeMap<_, _>, _) =
                std::mem::take(&mut image.tc_tokens).into_iter().partition(|(_, row)| dead(row));
            image.tc_tokens = kept;
            let count = u32::try_from(gone.len()).unwrap_or(u32::MAX);
            touched.later.extend(gone.into_keys().map(RowName::TcToken));
            count
        })
        .await
    }

    async fn touch_tc_token_sender_timestamp(&self, jid: &str, sender_timestamp: i64) -> Result<()> {
        self.change(|image, touched| {
            image.change_tc_token(touched, jid, |former| {
                let mut row = former.unwrap_or_else(|| TcTokenRow {
                    jid: jid.to_owned(),
                    received_at: sender_timestamp,
                    ..TcTokenRow::default()
                });
                row.issued_at =
                    Some(row.issued_at.map_or(sender_timestamp, |known| known.max(sender_timestamp)));
                row
            });
        })
        .await
    }

    async fn store_received_tc_token(&self, jid: &str, token: &[u8], token_timestamp: i64) -> Result<()> {
        self.change(|image, touched| {
            let known = image.tc_tokens.get(jid);
            if known.is_some_and(|known| !known.token.is_empty() && token_timestamp < known.received_at) {
                return;
            }
            image.change_tc_token(touched, jid, |former| TcTokenRow {
                jid: jid.to_owned(),
                token: token.to_vec(),
                received_at: token_timestamp,
                issued_at: former.and_then(|former| former.issued_at),
            });
        })
        .await
    }

    async fn store_sent_message(&self, chat_jid: &str, message_id: &str, payload: &[u8]) -> Result<()> {
        let now = self.now();
        self.change(|image, touched| messages::keep_sent(image, touched, chat_jid, message_id, payload, now))
            .await
    }

    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        // It stays: the library puts it back at once, and another device that asks in between must find it, too.
        Ok(self.read(|image| messages::copy_of(image, chat_jid, message_id).map(<[u8]>::to_vec)))
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.change(|image, touched| messages::expire_sent(image, touched, cutoff_timestamp)).await
    }

    async fn store_pending_inbound(&self, chat: &str, sender: &str, id: &str, message: &[u8]) -> Result<()> {
        self.store_pending_inbound_batch(&[PendingInboundRow { chat, sender, id, message }]).await
    }

    async fn get_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|image| messages::pending(image, &PendingInboundKey { chat, sender, id })))
    }

    async fn delete_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<()> {
        self.delete_pending_inbound_batch(&[PendingInboundKey { chat, sender, id }]).await
    }

    async fn delete_expired_pending_inbound(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.change(|image, touched| messages::expire_pending(image, touched, cutoff_timestamp)).await
    }

    async fn store_pending_inbound_batch(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        let now = self.now();
        self.change(|image, touched| messages::keep_pending(image, touched, rows, now)).await
    }

    async fn delete_pending_inbound_batch(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        self.change(|image, touched| messages::drop_pending(image, touched, keys)).await
    }
}
