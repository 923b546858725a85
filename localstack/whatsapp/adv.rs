//! The signatures between an account and its devices.

use prost::Message;
use wacore_libsignal::protocol::KeyPair;

use crate::whatsapp::{
    crypto,
    error::SandboxError,
    proto::{
        AdvDeviceIdentity, AdvKeyIndexList, AdvSignedDeviceIdentity, AdvSignedDeviceIdentityHmac,
        AdvSignedKeyIndexList,
    },
    state::Account,
};

/// What the account signs over a device, what the device signs over the account, and what the
/// account signs over its list of devices.
const ACCOUNT_PREFIX: [u8; 2] = [6, 0];
const DEVICE_PREFIX: [u8; 2] = [6, 1];
const KEY_INDEX_PREFIX: [u8; 2] = [6, 2];

/// The phone's word for a client's identity.
pub struct Certificate {
    signed: AdvSignedDeviceIdentity,
    account_key: Vec<u8>,
}

impl Certificate {
    /// Signs `identity` (32 bytes) as device number `key_index` of the account.
    pub fn issue(
        account: &KeyPair,
        identity: &[u8],
        raw_id: u32,
        key_index: u32,
        seconds: i64,
    ) -> Result<Self, SandboxError> {
        let details = AdvDeviceIdentity {
            raw_id: Some(raw_id),
            timestamp: u64::try_from(seconds).ok(),
            key_index: Some(key_index),
            account_type: Some(0),
            device_type: Some(0),
        }
        .encode_to_vec();
        let account_key = account.public_key.public_key_bytes().to_vec();
        let signature = crypto::sign(&account.private_key, &[&ACCOUNT_PREFIX, &details, identity])?;
        let signed = AdvSignedDeviceIdentity {
            details: Some(details),
            account_signature_key: Some(account_key.clone()),
            account_signature: Some(signature),
            device_signature: None,
        };
        Ok(Self { signed, account_key })
    }

    /// What goes to the client: only who holds the secret of the QR code can have made it.
    pub fn sealed(&self, adv_secret: &[u8]) -> Vec<u8> {
        let details = self.signed.encode_to_vec();
        let hmac = crypto::hmac_sha256(adv_secret, &details);
        AdvSignedDeviceIdentityHmac { details: Some(details), hmac: Some(hmac) }.encode_to_vec()
    }

    /// Checks the client's signature and returns the certificate with it. The client may leave
    /// out what the account has anyway.
    pub fn countersigned(&self, answer: &[u8], identity: &[u8]) -> Option<Vec<u8>> {
        let answer = AdvSignedDeviceIdentity::decode(answer).ok()?;
        let details = self.signed.details.as_deref()?;
        if answer.details.as_deref() != Some(details) {
            return None;
        }
        let signature = answer.device_signature?;
        let key = crypto::public_key(identity).ok()?;
        let signed = [&DEVICE_PREFIX, details, identity, &self.account_key];
        crypto::verifies(&key, &signed, &signature).then(|| {
            AdvSignedDeviceIdentity { device_signature: Some(signature), ..self.signed.clone() }
                .encode_to_vec()
        })
    }
}

/// The account's signed list of devices, as clients get it beside the plain one.
pub fn signed_key_index_list(account: &Account) -> Vec<u8> {
    let indexes: Vec<u32> = account.companions.values().map(|companion| companion.row.device).collect();
    let details = AdvKeyIndexList {
        raw_id: Some(account.row.raw_id),
        timestamp: u64::try_from(account.row.devices_changed).ok(),
        current_index: Some(indexes.iter().copied().max().unwrap_or_default()),
        valid_indexes: std::iter::once(0).chain(indexes).collect(),
    }
    .encode_to_vec();
    let signature = crypto::pair_from_private(&account.row.identity)
        .and_then(|pair| crypto::sign(&pair.private_key, &[&KEY_INDEX_PREFIX, &details]));
    AdvSignedKeyIndexList {
        details: Some(details),
        account_signature: signature.ok(),
        account_signature_key: None,
    }
    .encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clients_own_signature_is_taken() {
        let (account, client, stranger) =
            (crypto::generate_pair(), crypto::generate_pair(), crypto::generate_pair());
        let identity = client.public_key.public_key_bytes();
        let certificate = Certificate::issue(&account, identity, 1, 2, 1_800_000_000).unwrap();
        let details = certificate.signed.details.clone().unwrap();
        let account_key = account.public_key.public_key_bytes();
        let answer = |signer: &KeyPair| {
            let parts = [&DEVICE_PREFIX, details.as_slice(), identity, account_key];
            AdvSignedDeviceIdentity {
                details: Some(details.clone()),
                device_signature: Some(crypto::sign(&signer.private_key, &parts).unwrap()),
                ..Default::default()
            }
            .encode_to_vec()
        };
        assert!(certificate.countersigned(&answer(&client), identity).is_some());
        assert!(certificate.countersigned(&answer(&stranger), identity).is_none());
        assert!(certificate.countersigned(b"nonsense", identity).is_none());
    }
}
