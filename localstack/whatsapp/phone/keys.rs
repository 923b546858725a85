//! The keys of a phone: made with its account, given out like any device's.

use wacore_libsignal::protocol::KeyPair;

use crate::whatsapp::{
    address::Addressing,
    bundle::Bundle,
    crypto,
    error::SandboxError,
    state::{
        Account, Tx,
        rows::{AccountRow, PhoneKey, SignedKey},
    },
};

/// How many one-time keys a phone makes at a time, and with how few left it makes more.
const BATCH: u32 = 30;
const LOW_WATER: usize = 5;
/// Key ids have 24 bits.
const MAX_KEY_ID: u32 = 0x00FF_FFFF;
/// Signal's registration ids have 14 bits.
const MAX_REGISTRATION_ID: u32 = 0x3FFF;

/// Makes an account with its phone. The caller has made sure that the number is free.
pub fn create(tx: &mut Tx<'_>, number: &str, name: &str, addressing: Addressing) -> Result<(), SandboxError> {
    let identity = crypto::generate_pair();
    let skey = crypto::generate_pair();
    let skey_signature = crypto::sign(&identity.private_key, &[&skey.public_key.serialize()])?;
    let lid = loop {
        // Fifteen digits that look like nobody's phone number.
        let lid = format!("1{:014}", u64::from_be_bytes(crypto::random()) % 100_000_000_000_000);
        if !tx.world.lids.contains_key(&lid) {
            break lid;
        }
    };
    let row = AccountRow {
        number: number.to_owned(),
        lid,
        name: name.to_owned(),
        by_lid: addressing == Addressing::Lid,
        identity: identity.private_key.serialize().to_vec(),
        registration_id: u32::from_be_bytes(crypto::random()) % MAX_REGISTRATION_ID + 1,
        skey_id: 1,
        skey: skey.private_key.serialize().to_vec(),
        skey_signature,
        next_prekey: 1,
        next_device: 1,
        raw_id: u32::from_be_bytes(crypto::random()) >> 1,
        devices_changed: tx.seconds(),
        app_state_key: crypto::random::<38>().to_vec(),
    };
    tx.world.add_account(Account::new(row));
    make_one_time_keys(tx, number);
    tx.save_account(number);
    tx.save_phone_keys(number);
    Ok(())
}

fn make_one_time_keys(tx: &mut Tx<'_>, number: &str) {
    let Some(account) = tx.world.accounts.get_mut(number) else { return };
    for _ in 0..BATCH {
        let id = account.row.next_prekey;
        account.row.next_prekey = id % MAX_KEY_ID + 1;
        let private = crypto::generate_pair().private_key.serialize().to_vec();
        account.phone.keys.insert(id, PhoneKey { id, private, offered: false });
    }
}

/// Takes what a session with a phone is started from.
pub fn offer_bundle(tx: &mut Tx<'_>, number: &str) -> Result<Bundle, SandboxError> {
    const NO_PHONE: SandboxError = SandboxError::Protocol("no such phone");
    let account = tx.world.accounts.get(number).ok_or(NO_PHONE)?;
    if account.phone.keys.values().filter(|key| !key.offered).count() <= LOW_WATER {
        make_one_time_keys(tx, number);
        tx.save_account(number);
    }
    let account = tx.world.accounts.get_mut(number).ok_or(NO_PHONE)?;
    let one_time = match account.phone.keys.values_mut().find(|key| !key.offered) {
        Some(key) => {
            key.offered = true;
            Some((key.id, public(&crypto::pair_from_private(&key.private)?)))
        }
        None => None,
    };
    let row = &account.row;
    let bundle = Bundle {
        registration_id: row.registration_id.to_be_bytes().to_vec(),
        identity: public(&crypto::pair_from_private(&row.identity)?),
        skey: SignedKey {
            id: row.skey_id,
            value: public(&crypto::pair_from_private(&row.skey)?),
            signature: row.skey_signature.clone(),
        },
        one_time,
        device_identity: None,
    };
    tx.save_phone_keys(number);
    Ok(bundle)
}

fn public(pair: &KeyPair) -> Vec<u8> {
    pair.public_key.public_key_bytes().to_vec()
}
