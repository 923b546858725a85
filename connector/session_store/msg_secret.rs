//! Secrets of messages that replies refer to (poll votes, encrypted edits).
//!
//! Kurir's sockets ask the library to keep none; this works all the same, for when they do.

use async_trait::async_trait;
use whatsapp_rust::wacore::store::{
    error::Result,
    traits::{MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry, merge_msg_secret_message_ts},
};

use super::{
    SessionStore,
    image::Image,
    rows::{RowName, Secret, bucket},
};

impl Image {
    fn secret(&self, chat: &str, sender: &str, message_id: &str) -> Option<&Secret> {
        let mut same_bucket = self.secrets.get(&bucket(message_id))?.iter();
        same_bucket
            .find(|secret| secret.message_id == message_id && secret.chat == chat && secret.sender == sender)
    }
}

#[async_trait]
impl MsgSecretStore for SessionStore {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        self.change(|image, touched| {
            for entry in &entries {
                let mut secret = Secret {
                    chat: entry.chat.to_string(),
                    sender: entry.sender.to_string(),
                    message_id: entry.msg_id.to_string(),
                    secret: entry.secret.to_vec(),
                    expires_at: entry.expires_at,
                    message_at: entry.message_ts,
                };
                if let Some(stored) = image.secret(&entry.chat, &entry.sender, &entry.msg_id) {
                    secret.expires_at = merge_msg_secret_expiry(stored.expires_at, secret.expires_at);
                    secret.message_at = merge_msg_secret_message_ts(stored.message_at, secret.message_at);
                }
                let bucket = bucket(&entry.msg_id);
                let secrets = image.secrets.entry(bucket).or_default();
                secrets.retain(|stored| {
                    (&stored.message_id, &stored.chat, &stored.sender)
                        != (&secret.message_id, &secret.chat, &secret.sender)
                });
                secrets.push(secret);
                touched.now.insert(RowName::Secrets(bucket));
            }
            entries.len()
        })
        .await
    }

    async fn get_msg_secret(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|image| Some(image.secret(chat, sender, msg_id)?.secret.clone())))
    }

    async fn get_msg_secret_with_ts(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<(Vec<u8>, i64)>> {
        Ok(self.read(|image| {
            let secret = image.secret(chat, sender, msg_id)?;
            Some((secret.secret.clone(), secret.message_at))
        }))
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.change(|image, touched| {
            let mut gone = 0;
            for (bucket, secrets) in &mut image.secrets {
                let before = secrets.len();
                secrets.retain(|secret| secret.expires_at == 0 || secret.expires_at > cutoff_timestamp);
                if secrets.len() < before {
                    gone += before - secrets.len();
                    touched.later.insert(RowName::Secrets(*bucket));
                }
            }
            u32::try_from(gone).unwrap_or(u32::MAX)
        })
        .await
    }
}
