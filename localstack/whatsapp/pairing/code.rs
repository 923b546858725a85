//! Linking by pairing code: the client shows eight characters, a person types them into the phone.
//! Both prove that they know the code by wrapping ephemeral keys with it, agree on a secret, and
//! continue as if that secret had been in a QR code.

use std::time::Duration;

use aes::cipher::{KeyIvInit, StreamCipher};
use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit},
};
use ctr::Ctr128BE;
use shared::clock::Timestamp;
use wacore_binary::Node;
use wacore_libsignal::protocol::KeyPair;

use super::{LinkFailure, Waiter, link};
use crate::whatsapp::{
    crypto,
    error::SandboxError,
    node::{NodeExt, bytes, error, node, result, server_jid},
    state::{ConnectionId, Tx},
};

/// Rounds of PBKDF2 that turn the code into a key.
const ROUNDS: u32 = 131_072;
/// How long a code is good for.
const LIFE: Duration = Duration::from_secs(180);
/// salt(32) ‖ iv(16) ‖ key(32).
const WRAPPED_LEN: usize = 80;
const BUNDLE_INFO: &[u8] = b"link_code_pairing_key_bundle_encryption_key";

/// A client that asked for a code.
pub struct Attempt {
    pub number: String,
    reference: Vec<u8>,
    wrapped: Vec<u8>,
    expires: Timestamp,
    hello: Option<Hello>,
}

/// The phone's half, once the code was typed.
struct Hello {
    ephemeral: KeyPair,
    companion_ephemeral: [u8; 32],
    waiter: Waiter,
}

/// What the phone sends: its ephemeral key, wrapped with the code.
pub struct Typed {
    ephemeral: KeyPair,
    companion_ephemeral: [u8; 32],
    wrapped: Vec<u8>,
}

/// The code as the client derives keys from it: without a dash, in capitals.
pub fn normalise(code: &str) -> Option<String> {
    let code: String = code.chars().filter(|c| *c != '-' && *c != ' ').collect::<String>().to_uppercase();
    (code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
}

/// A request of the `md` family from a client that is not linked.
pub fn handle_request(tx: &mut Tx<'_>, connection: ConnectionId, request: &Node) {
    let Some(registration) = request.child("link_code_companion_reg") else {
        return tx.send(connection, result(request, []));
    };
    match registration.text("stage").as_str() {
        "companion_hello" => companion_hello(tx, connection, request, registration),
        "companion_finish" => {
            tx.send(connection, result(request, []));
            companion_finish(tx, connection, registration);
        }
        _ => tx.send(connection, result(request, [])),
    }
}

fn companion_hello(tx: &mut Tx<'_>, connection: ConnectionId, request: &Node, registration: &Node) {
    let number = registration.jid("jid").map(|jid| jid.user.to_string());
    let wrapped = registration
        .child_bytes("link_code_pairing_wrapped_companion_ephemeral_pub")
        .filter(|wrapped| wrapped.len() == WRAPPED_LEN);
    let (Some(number), Some(wrapped)) = (number, wrapped) else {
        return tx.send(connection, error(request, 400, "bad-request"));
    };
    let reference = crypto::random::<16>().to_vec();
    let expires = tx.now + LIFE;
    let Some(session) = tx.world.pairing.sessions.get_mut(&connection) else { return };
    session.code = Some(Attempt { number, reference: reference.clone(), wrapped, expires, hello: None });
    let answer = node("link_code_companion_reg")
        .attr("stage", "companion_hello")
        .children([bytes("link_code_pairing_ref", reference)])
        .build();
    tx.send(connection, result(request, [answer]));
}

/// The newest client that shows a code for this number, and the key it wrapped with it.
pub fn find(tx: &Tx<'_>, number: &str) -> Result<(ConnectionId, Vec<u8>), LinkFailure> {
    let attempts = tx.world.pairing.sessions.iter();
    let (connection, attempt) = attempts
        .filter_map(|(connection, session)| Some((*connection, session.code.as_ref()?)))
        .filter(|(_, attempt)| attempt.number == number)
        .max_by_key(|(_, attempt)| attempt.expires)
        .ok_or(LinkFailure::UnknownReference)?;
    if attempt.expires < tx.now {
        return Err(LinkFailure::Expired);
    }
    Ok((connection, attempt.wrapped.clone()))
}

/// The slow part of typing a code, to be done off the lock: unwraps the client's key and wraps one
/// of our own. A wrong code shows only later, when the client's bundle does not open.
pub fn type_code(code: &str, wrapped: &[u8]) -> Result<Typed, SandboxError> {
    let (salt, rest) = wrapped.split_at_checked(32).ok_or(SandboxError::Protocol("a short wrapped key"))?;
    let (iv, key) = rest.split_at_checked(16).ok_or(SandboxError::Protocol("a short wrapped key"))?;
    let companion_ephemeral = apply_code(code, salt, iv, key)?;
    let ephemeral = crypto::generate_pair();
    let (salt, iv) = (crypto::random::<32>(), crypto::random::<16>());
    let ours = apply_code(code, &salt, &iv, ephemeral.public_key.public_key_bytes())?;
    let wrapped = [salt.as_slice(), &iv, &ours].concat();
    Ok(Typed { ephemeral, companion_ephemeral, wrapped })
}

fn apply_code(code: &str, salt: &[u8], iv: &[u8], key: &[u8]) -> Result<[u8; 32], SandboxError> {
    let mut secret = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(code.as_bytes(), salt, ROUNDS, &mut secret);
    let malformed = SandboxError::Protocol("a wrapped key has the wrong length");
    let Ok(mut cipher) = Ctr128BE::<aes::Aes256>::new_from_slices(&secret, iv) else {
        return Err(malformed);
    };
    let mut key: [u8; 32] = key.try_into().map_err(|_| malformed)?;
    cipher.apply_keystream(&mut key);
    Ok(key)
}

/// Sends the phone's half to the client.
pub fn primary_hello(tx: &mut Tx<'_>, connection: ConnectionId, typed: Typed, waiter: Waiter) {
    let identity = tx
        .world
        .pairing
        .sessions
        .get(&connection)
        .and_then(|session| session.code.as_ref())
        .and_then(|attempt| tx.world.accounts.get(&attempt.number))
        .and_then(|account| crypto::pair_from_private(&account.row.identity).ok());
    let attempt = tx.world.pairing.sessions.get_mut(&connection).and_then(|session| session.code.as_mut());
    let (Some(identity), Some(attempt)) = (identity, attempt) else {
        return waiter.fail(LinkFailure::Expired);
    };
    let registration = node("link_code_companion_reg")
        .attr("stage", "primary_hello")
        .children([
            bytes("link_code_pairing_wrapped_primary_ephemeral_pub", typed.wrapped),
            bytes("primary_identity_pub", identity.public_key.public_key_bytes()),
            bytes("link_code_pairing_ref", attempt.reference.clone()),
        ])
        .build();
    let (ephemeral, companion_ephemeral) = (typed.ephemeral, typed.companion_ephemeral);
    attempt.hello = Some(Hello { ephemeral, companion_ephemeral, waiter });
    let id = tx.stanza_id();
    let notification = node("notification")
        .attr("from", server_jid())
        .attr("type", "link_code_companion_reg")
        .attr("id", id)
        .attr("t", tx.seconds())
        .children([registration])
        .build();
    tx.send(connection, notification);
}

fn companion_finish(tx: &mut Tx<'_>, connection: ConnectionId, registration: &Node) {
    let Some(session) = tx.world.pairing.sessions.get_mut(&connection) else { return };
    let Some(attempt) = session.code.as_mut() else { return };
    let Some(hello) = attempt.hello.take() else { return };
    let number = attempt.number.clone();
    let identity = session.data.identity.clone();
    let bundle = registration.child_bytes("link_code_pairing_wrapped_key_bundle").unwrap_or_default();
    let account = tx.world.accounts.get(&number);
    let ours = account.and_then(|account| crypto::pair_from_private(&account.row.identity).ok());
    let Some(ours) = ours else { return hello.waiter.fail(LinkFailure::NoPhone) };
    match agree(&hello, &ours, &identity, &bundle) {
        Some(secret) => link::start(tx, connection, &number, &secret, hello.waiter),
        None => hello.waiter.fail(LinkFailure::WrongCode),
    }
}

/// Opens the client's bundle and derives the secret that takes the place of the QR code's.
fn agree(hello: &Hello, ours: &KeyPair, identity: &[u8], bundle: &[u8]) -> Option<[u8; 32]> {
    let (salt, rest) = bundle.split_at_checked(32)?;
    let (iv, sealed) = rest.split_at_checked(12)?;
    let theirs = crypto::public_key(&hello.companion_ephemeral).ok()?;
    let ephemeral = hello.ephemeral.calculate_agreement(&theirs).ok()?;
    let key = crypto::hkdf_sha256(&ephemeral, Some(salt), BUNDLE_INFO);
    let cipher = Aes256Gcm::new_from_slice(&key).ok()?;
    let plain = cipher.decrypt(iv.try_into().ok()?, sealed).ok()?;
    let (companion_identity, rest) = plain.split_at_checked(32)?;
    let (primary_identity, random) = rest.split_at_checked(32)?;
    if companion_identity != identity || primary_identity != ours.public_key.public_key_bytes() {
        return None;
    }
    let identities = ours.calculate_agreement(&crypto::public_key(identity).ok()?).ok()?;
    let secret = [ephemeral.as_slice(), &identities, random].concat();
    Some(crypto::hkdf_sha256(&secret, None, b"adv_secret"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_typed_in_any_way() {
        assert_eq!(normalise("abcd-1234").as_deref(), Some("ABCD1234"));
        assert_eq!(normalise("ABCD 1234").as_deref(), Some("ABCD1234"));
        assert_eq!(normalise("ABCD-123"), None);
        assert_eq!(normalise("ABCDÄ234"), None);
    }
}
