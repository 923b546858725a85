//! Sealing and opening with a phone's sessions.

use wacore_libsignal::protocol::{
    CiphertextMessage, CiphertextMessageType, IdentityKey, PreKeyBundle, PreKeySignalMessage,
    SenderKeyDistributionMessage, SenderKeyName, SignalMessage, SignalProtocolError, UsePQRatchet,
    create_sender_key_distribution_message, group_decrypt, group_encrypt, message_decrypt, message_encrypt,
    process_prekey_bundle, process_sender_key_distribution_message,
};

use super::{
    fetch::take_bundle,
    signal::{Identity, OneTimeKeys, SenderKeys, Sessions, SignedKeys, now, protocol_address},
};
use crate::whatsapp::{
    address::Address,
    bundle::Bundle,
    crypto,
    error::SandboxError,
    node::be_number,
    state::{Account, Tx, rows::keys},
};

/// A sealed text and how it was sealed, as the `type` of its `<enc>`.
pub struct Sealed {
    pub kind: &'static str,
    pub text: Vec<u8>,
}

fn account<'a>(tx: &'a mut Tx<'_>, number: &str) -> Result<&'a mut Account, SandboxError> {
    tx.world.accounts.get_mut(number).ok_or(SandboxError::Protocol("no such phone"))
}

/// Seals for a device, starting a session when there is none.
pub fn seal(tx: &mut Tx<'_>, number: &str, to: &Address, plain: &[u8]) -> Result<Sealed, SandboxError> {
    let address = protocol_address(to);
    if !account(tx, number)?.phone.sessions.contains_key(address.as_str()) {
        let bundle = take_bundle(tx, to)?;
        start_session(tx, number, to, &bundle)?;
    }
    let account = account(tx, number)?;
    let mut identity = Identity::of(&account.row)?;
    let mut sessions = Sessions { all: &mut account.phone.sessions, changed: Vec::new() };
    let sealed = now(message_encrypt(plain, &address, &mut sessions, &mut identity))?;
    let changed = sessions.changed;
    save_sessions(tx, number, changed);
    let kind = match sealed.message_type() {
        CiphertextMessageType::PreKey => "pkmsg",
        _ => "msg",
    };
    Ok(Sealed { kind, text: sealed.serialize().to_vec() })
}

/// Starts a session from a device's keys, in place of one that may be there.
pub fn start_session(
    tx: &mut Tx<'_>,
    number: &str,
    with: &Address,
    bundle: &Bundle,
) -> Result<(), SandboxError> {
    let address = protocol_address(with);
    let one_time = match &bundle.one_time {
        Some((id, value)) => Some(((*id).into(), crypto::public_key(value)?)),
        None => None,
    };
    let keys = PreKeyBundle::new(
        be_number(&bundle.registration_id),
        u32::from(with.device).into(),
        one_time,
        bundle.skey.id.into(),
        crypto::public_key(&bundle.skey.value)?,
        bundle.skey.signature.clone(),
        IdentityKey::new(crypto::public_key(&bundle.identity)?),
    )?;
    let account = account(tx, number)?;
    let mut identity = Identity::of(&account.row)?;
    let mut sessions = Sessions { all: &mut account.phone.sessions, changed: Vec::new() };
    now(process_prekey_bundle(
        &address,
        &mut sessions,
        &mut identity,
        &keys,
        &mut crypto::rng(),
        UsePQRatchet::No,
    ))?;
    let changed = sessions.changed;
    save_sessions(tx, number, changed);
    Ok(())
}

/// Opens what a device sealed for this phone.
pub fn open(
    tx: &mut Tx<'_>,
    number: &str,
    from: &Address,
    kind: &str,
    sealed: &[u8],
) -> Result<Vec<u8>, SandboxError> {
    let sealed = match kind {
        "pkmsg" => CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(sealed)?),
        "msg" => CiphertextMessage::SignalMessage(SignalMessage::try_from(sealed)?),
        _ => return Err(SandboxError::Protocol("an unknown kind of seal")),
    };
    if let CiphertextMessage::PreKeySignalMessage(first) = &sealed {
        check_identity(tx, from, first.identity_key())?;
    }
    let account = account(tx, number)?;
    let mut identity = Identity::of(&account.row)?;
    let mut one_time = OneTimeKeys(&account.phone.keys);
    let mut sessions = Sessions { all: &mut account.phone.sessions, changed: Vec::new() };
    let opened = now(message_decrypt(
        &sealed,
        &protocol_address(from),
        &mut sessions,
        &mut identity,
        &mut one_time,
        &SignedKeys(&account.row),
        &mut crypto::rng(),
        UsePQRatchet::No,
    ))?;
    let changed = sessions.changed;
    if let Some(used) = opened.consumed_prekey_id {
        account.phone.keys.remove(&used.into());
        tx.save_phone_keys(number);
    }
    save_sessions(tx, number, changed);
    Ok(opened.plaintext)
}

/// A client that starts a session must do so with the identity it was linked with.
fn check_identity(tx: &Tx<'_>, from: &Address, identity: &IdentityKey) -> Result<(), SandboxError> {
    let known = tx.world.companion(from).map(|companion| companion.row.identity.as_slice());
    let shown = identity.public_key().public_key_bytes();
    match known {
        Some(known) if known != shown => Err(SandboxError::Protocol("not the identity it was linked with")),
        _ => Ok(()),
    }
}

fn save_sessions(tx: &mut Tx<'_>, number: &str, changed: Vec<String>) {
    for peer in changed {
        let account = tx.world.accounts.get(number);
        if let Some(session) = account.and_then(|account| account.phone.sessions.get(&peer)).cloned() {
            tx.put_bytes(keys::session(number, &peer), session);
        }
    }
}

/// A phone forgets its sessions, as after an accident with its storage: those with the devices of `with`, or all.
/// Returns how many there were.
pub fn forget_sessions(tx: &mut Tx<'_>, number: &str, with: Option<&[String]>) -> usize {
    let Some(account) = tx.world.accounts.get_mut(number) else { return 0 };
    let of_peer = |peer: &str, number: &String| {
        peer.strip_prefix(number.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    let is_forgotten = |peer: &str| with.is_none_or(|with| with.iter().any(|number| of_peer(peer, number)));
    let sessions = &mut account.phone.sessions;
    let forgotten: Vec<String> =
        sessions.extract_if(|peer, _| is_forgotten(peer)).map(|(peer, _)| peer).collect();
    for peer in &forgotten {
        tx.delete(keys::session(number, peer));
    }
    forgotten.len()
}

fn sender_key_name(group: &str, from: &Address) -> SenderKeyName {
    SenderKeyName::from_parts(group, protocol_address(from).as_str())
}

/// Opens what a member sealed once for a whole group.
pub fn open_group(
    tx: &mut Tx<'_>,
    number: &str,
    group: &str,
    from: &Address,
    sealed: &[u8],
) -> Result<Vec<u8>, SandboxError> {
    with_sender_keys(tx, number, |store| now(group_decrypt(sealed, store, &sender_key_name(group, from))))
}

/// The key with which the phone seals for a group, made when there is none.
pub fn distribution(tx: &mut Tx<'_>, number: &str, group: &str) -> Result<Vec<u8>, SandboxError> {
    let name = sender_key_name(group, &Address::new(number, 0));
    let made = with_sender_keys(tx, number, |store| {
        now(create_sender_key_distribution_message(&name, store, &mut crypto::rng()))
    })?;
    Ok(made.serialized().to_vec())
}

/// Seals once for a whole group.
pub fn seal_group(tx: &mut Tx<'_>, number: &str, group: &str, plain: &[u8]) -> Result<Vec<u8>, SandboxError> {
    let name = sender_key_name(group, &Address::new(number, 0));
    let sealed =
        with_sender_keys(tx, number, |store| now(group_encrypt(store, &name, plain, &mut crypto::rng())))?;
    Ok(sealed.serialized().to_vec())
}

/// Takes the key with which a member seals for a group.
pub fn take_sender_key(
    tx: &mut Tx<'_>,
    number: &str,
    group: &str,
    from: &Address,
    distribution: &[u8],
) -> Result<(), SandboxError> {
    let distribution = SenderKeyDistributionMessage::try_from(distribution)?;
    with_sender_keys(tx, number, |store| {
        now(process_sender_key_distribution_message(&sender_key_name(group, from), &distribution, store))
    })
}

fn with_sender_keys<T>(
    tx: &mut Tx<'_>,
    number: &str,
    call: impl FnOnce(&mut SenderKeys<'_>) -> Result<T, SignalProtocolError>,
) -> Result<T, SandboxError> {
    let account = account(tx, number)?;
    let mut store = SenderKeys { all: &mut account.phone.sender_keys, changed: Vec::new() };
    let outcome = call(&mut store)?;
    for name in store.changed {
        if let Some(record) = account.phone.sender_keys.get(&name).cloned() {
            tx.put_bytes(keys::sender_key(number, &name), record);
            break;
        }
    }
    Ok(outcome)
}
