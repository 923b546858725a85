//! A phone's side of the Signal library: its stores, over the phone's state.
//!
//! The library is asynchronous for stores that wait; these never do, so its futures are ready at
//! once. A session is written before anything sealed with it leaves, so the library need not lease
//! counters ahead ([`SessionRecord::waive_counter_lease`]).

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
};

use async_trait::async_trait;
use futures::FutureExt;
use wacore_libsignal::protocol::{
    Direction, GenericSignedPreKey, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore, PreKeyId,
    PreKeyRecord, PreKeyStore, ProtocolAddress, SenderKeyName, SenderKeyRecord, SenderKeyStore,
    SessionRecord, SessionStore, SignalProtocolError, SignedPreKeyId, SignedPreKeyRecord, SignedPreKeyStore,
    Timestamp,
};

use crate::whatsapp::{
    crypto,
    error::SandboxError,
    state::rows::{AccountRow, PhoneKey},
};

type Result<T> = std::result::Result<T, SignalProtocolError>;

/// The outcome of a library call on these stores.
pub fn now<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    call.now_or_never()
        .unwrap_or_else(|| Err(SignalProtocolError::InvalidState("phone", "a store waited".to_owned())))
}

/// The library's name for a device.
pub fn protocol_address(at: &crate::whatsapp::address::Address) -> ProtocolAddress {
    ProtocolAddress::new(&at.number, u32::from(at.device).into())
}

/// Sessions by [`ProtocolAddress`], and which of them were changed.
pub struct Sessions<'a> {
    pub all: &'a mut HashMap<String, Vec<u8>>,
    pub changed: Vec<String>,
}

#[async_trait]
impl SessionStore for Sessions<'_> {
    async fn load_session(&self, address: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        let Some(stored) = self.all.get(address.as_str()) else { return Ok(None) };
        let mut record = SessionRecord::deserialize(stored)?;
        record.waive_counter_lease();
        Ok(Some(record))
    }

    async fn has_session(&self, address: &ProtocolAddress) -> Result<bool> {
        Ok(self.all.contains_key(address.as_str()))
    }

    async fn store_session(&mut self, address: &ProtocolAddress, mut record: SessionRecord) -> Result<()> {
        record.waive_counter_lease();
        self.all.insert(address.as_str().to_owned(), record.serialize()?);
        self.changed.push(address.as_str().to_owned());
        Ok(())
    }
}

/// The phone's own identity. It trusts every other: the server has checked who they are.
pub struct Identity {
    pair: IdentityKeyPair,
    registration_id: u32,
}

impl Identity {
    pub fn of(row: &AccountRow) -> std::result::Result<Self, SandboxError> {
        let pair = IdentityKeyPair::from(crypto::pair_from_private(&row.identity)?);
        Ok(Self { pair, registration_id: row.registration_id })
    }
}

#[async_trait]
impl IdentityKeyStore for Identity {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        Ok(self.pair.clone())
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(&mut self, _: &ProtocolAddress, _: &IdentityKey) -> Result<IdentityChange> {
        Ok(IdentityChange::NewOrUnchanged)
    }

    async fn is_trusted_identity(&self, _: &ProtocolAddress, _: &IdentityKey, _: Direction) -> Result<bool> {
        Ok(true)
    }

    async fn get_identity(&self, _: &ProtocolAddress) -> Result<Option<IdentityKey>> {
        Ok(None)
    }
}

/// The phone's one-time keys. The library reports which one it used; it deletes none.
pub struct OneTimeKeys<'a>(pub &'a BTreeMap<u32, PhoneKey>);

#[async_trait]
impl PreKeyStore for OneTimeKeys<'_> {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        let key = self.0.get(&id.into()).ok_or(SignalProtocolError::InvalidPreKeyId)?;
        let pair = crypto::pair_from_private(&key.private)
            .map_err(|_| SignalProtocolError::InvalidProtobufEncoding)?;
        Ok(PreKeyRecord::new(id, &pair))
    }

    async fn save_pre_key(&mut self, _: PreKeyId, _: &PreKeyRecord) -> Result<()> {
        Ok(())
    }

    async fn remove_pre_key(&mut self, _: PreKeyId) -> Result<()> {
        Ok(())
    }
}

/// The phone's signed key; a phone of the sandbox has one for life.
pub struct SignedKeys<'a>(pub &'a AccountRow);

#[async_trait]
impl SignedPreKeyStore for SignedKeys<'_> {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        if u32::from(id) != self.0.skey_id {
            return Err(SignalProtocolError::InvalidSignedPreKeyId);
        }
        let pair = crypto::pair_from_private(&self.0.skey)
            .map_err(|_| SignalProtocolError::InvalidProtobufEncoding)?;
        let made = Timestamp::from_epoch_millis(0);
        Ok(SignedPreKeyRecord::new(id, made, &pair, &self.0.skey_signature))
    }

    async fn save_signed_pre_key(&mut self, _: SignedPreKeyId, _: &SignedPreKeyRecord) -> Result<()> {
        Ok(())
    }
}

/// Group keys by the library's name, and which were changed.
pub struct SenderKeys<'a> {
    pub all: &'a mut HashMap<String, Vec<u8>>,
    pub changed: Vec<String>,
}

#[async_trait]
impl SenderKeyStore for SenderKeys<'_> {
    async fn store_sender_key(&mut self, name: &SenderKeyName, mut record: SenderKeyRecord) -> Result<()> {
        record.waive_counter_lease()?;
        self.all.insert(name.cache_key().to_owned(), record.serialize()?);
        self.changed.push(name.cache_key().to_owned());
        Ok(())
    }

    async fn load_sender_key(&self, name: &SenderKeyName) -> Result<Option<SenderKeyRecord>> {
        self.all.get(name.cache_key()).map(|stored| SenderKeyRecord::deserialize(stored)).transpose()
    }
}
