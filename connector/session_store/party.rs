//! Someone who speaks Signal, for tests: the library's own cache and cipher over any store.

use std::sync::Arc;

use async_trait::async_trait;
use rand::rngs::StdRng;
use whatsapp_rust::wacore::{
    libsignal::protocol::{
        CiphertextMessage, Direction, GenericSignedPreKey, IdentityChange, IdentityKey, IdentityKeyPair,
        IdentityKeyStore, KeyPair, PreKeyBundle, PreKeyId, PreKeyRecord, PreKeyStore, ProtocolAddress,
        SessionRecord, SessionStore, SignalProtocolError, SignedPreKeyId, SignedPreKeyRecord,
        SignedPreKeyStore, Timestamp, UsePQRatchet, message_decrypt, message_encrypt, process_prekey_bundle,
    },
    store::{signal_cache::SignalStoreCache, traits::SignalStore},
};

type Result<T> = std::result::Result<T, SignalProtocolError>;

/// What a party is whatever becomes of its store.
#[derive(Clone)]
struct Keys {
    identity: IdentityKeyPair,
    one_time: KeyPair,
    signed: KeyPair,
}

pub(super) struct Party {
    pub address: ProtocolAddress,
    keys: Keys,
    sessions: Sessions,
}

struct Sessions {
    cache: SignalStoreCache,
    store: Arc<dyn SignalStore>,
}

fn rng() -> StdRng {
    rand::make_rng()
}

impl Party {
    pub(super) fn new(name: &str, store: Arc<dyn SignalStore>) -> Self {
        let keys = Keys {
            identity: IdentityKeyPair::generate(&mut rng()),
            one_time: KeyPair::generate(&mut rng()),
            signed: KeyPair::generate(&mut rng()),
        };
        let sessions = Sessions { cache: SignalStoreCache::new(), store };
        Self { address: ProtocolAddress::new(name, 0.into()), keys, sessions }
    }

    /// The same party in a new process, over what its store has now.
    pub(super) fn restarted(&self, store: Arc<dyn SignalStore>) -> Self {
        let sessions = Sessions { cache: SignalStoreCache::new(), store };
        Self { address: self.address.clone(), keys: self.keys.clone(), sessions }
    }

    /// Begins a new session with another, as a first message or an answer to a retry receipt does.
    pub(super) async fn meet(&mut self, other: &Self) {
        let signed = other.keys.signed.public_key;
        let signature =
            other.keys.identity.private_key().calculate_signature(&signed.serialize(), &mut rng()).unwrap();
        let bundle = PreKeyBundle::new(
            7,
            0.into(),
            Some((1.into(), other.keys.one_time.public_key)),
            1.into(),
            signed,
            signature.to_vec(),
            *other.keys.identity.identity_key(),
        );
        let (sessions, keys, bundle) = (&mut self.sessions, &mut self.keys, bundle.unwrap());
        process_prekey_bundle(&other.address, sessions, keys, &bundle, &mut rng(), UsePQRatchet::No)
            .await
            .unwrap();
    }

    /// Seals a message and does what the library does before it goes out: waits for the store when counters
    /// were reserved, else writes when it suits. `None` when it must not go out.
    pub(super) async fn seal(&mut self, to: &Self, text: &[u8]) -> Option<CiphertextMessage> {
        let sealed = message_encrypt(text, &to.address, &mut self.sessions, &mut self.keys).await.unwrap();
        if self.sessions.cache.needs_pre_wire_flush().await {
            self.flush().await.ok()?;
        }
        Some(sealed)
    }

    /// The same, and everything is handed to the store at once.
    pub(super) async fn send(&mut self, to: &Self, text: &[u8]) -> CiphertextMessage {
        let sealed = self.seal(to, text).await.unwrap();
        self.flush().await.unwrap();
        sealed
    }

    pub(super) async fn receive(&mut self, from: &Self, sealed: &CiphertextMessage) -> Result<Vec<u8>> {
        let keys = self.keys.clone();
        message_decrypt(
            sealed,
            &from.address,
            &mut self.sessions,
            &mut self.keys,
            &mut keys.clone(),
            &keys,
            &mut rng(),
            UsePQRatchet::No,
        )
        .await
        .map(|opened| opened.plaintext)
    }

    /// Whether there is a session with another.
    pub(super) async fn knows(&self, other: &Self) -> bool {
        self.sessions.cache.has_session(&other.address, &*self.sessions.store).await.unwrap()
    }

    /// Hands all changes to the store.
    pub(super) async fn flush(&self) -> std::result::Result<(), String> {
        self.sessions.cache.flush(&*self.sessions.store).await.map_err(|error| error.to_string())
    }
}

/// Which message key sealed a message.
pub(super) fn message_key(sealed: &CiphertextMessage) -> (Vec<u8>, u32) {
    let message = match sealed {
        CiphertextMessage::SignalMessage(message) => message,
        CiphertextMessage::PreKeySignalMessage(message) => message.message(),
        other => panic!("a message of type {:?}", other.message_type()),
    };
    (message.sender_ratchet_key().serialize().to_vec(), message.counter())
}

fn stored<T>(answer: std::result::Result<T, impl std::fmt::Display>) -> Result<T> {
    answer.map_err(|error| SignalProtocolError::InvalidState("test store", error.to_string()))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load_session(&self, address: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        let record = stored(self.cache.peek_session(address, &*self.store).await)?;
        Ok(record.map(|record| (*record).clone()))
    }

    async fn has_session(&self, address: &ProtocolAddress) -> Result<bool> {
        stored(self.cache.has_session(address, &*self.store).await)
    }

    async fn store_session(&mut self, address: &ProtocolAddress, record: SessionRecord) -> Result<()> {
        self.cache.put_session(address, record).await;
        Ok(())
    }
}

#[async_trait]
impl IdentityKeyStore for Keys {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        Ok(self.identity.clone())
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        Ok(7)
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

#[async_trait]
impl PreKeyStore for Keys {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        Ok(PreKeyRecord::new(id, &self.one_time))
    }

    async fn save_pre_key(&mut self, _: PreKeyId, _: &PreKeyRecord) -> Result<()> {
        Ok(())
    }

    async fn remove_pre_key(&mut self, _: PreKeyId) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl SignedPreKeyStore for Keys {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        Ok(SignedPreKeyRecord::new(id, Timestamp::from_epoch_millis(0), &self.signed, &[0; 64]))
    }

    async fn save_signed_pre_key(&mut self, _: SignedPreKeyId, _: &SignedPreKeyRecord) -> Result<()> {
        Ok(())
    }
}
