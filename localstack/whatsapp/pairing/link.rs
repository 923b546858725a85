//! The end of both ways of linking: `pair-success`, the client's signature, and the new device.

use serde::Serialize;
use tokio::sync::oneshot;
use wacore_binary::Node;

use crate::whatsapp::{
    address::{Address, Addressing},
    adv::Certificate,
    crypto,
    error::SandboxError,
    node::{NodeExt, be_number, bytes, node, server_jid},
    notifications,
    proto::{DeviceProps, PairingData},
    state::{
        Companion, ConnectionId, Tx,
        rows::{CompanionRow, SignedKey},
    },
};

/// A client that is now a device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// Its number among the account's devices.
    pub n: u16,
    pub jid: String,
    pub lid: String,
}

/// Why a client was not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFailure {
    /// No client ever showed this reference, or none asked for a code for this number.
    UnknownReference,
    /// The reference or code is too old, used, or its client has gone.
    Expired,
    /// The QR code carries other keys than the client that got its reference.
    ForeignKeys,
    /// Another phone is just answering this client.
    Busy,
    /// The typed code is not the one that the client shows.
    WrongCode,
    /// The client did not accept the phone's answer, or its signature is wrong.
    Refused,
    /// There is no such phone.
    NoPhone,
}

/// Who waits for the outcome. When it is dropped, the client has gone.
pub struct Waiter(oneshot::Sender<Result<Linked, LinkFailure>>);

impl Waiter {
    pub fn new() -> (Self, oneshot::Receiver<Result<Linked, LinkFailure>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    pub fn fail(self, failure: LinkFailure) {
        let _ = self.0.send(Err(failure));
    }

    fn succeed(self, linked: Linked) {
        let _ = self.0.send(Ok(linked));
    }
}

/// Waits for the client's answer to `pair-success`.
pub struct Linking {
    request: String,
    number: String,
    device: u16,
    certificate: Certificate,
    waiter: Waiter,
}

/// The phone of `number` accepts the client behind `connection`.
pub fn start(tx: &mut Tx<'_>, connection: ConnectionId, number: &str, adv_secret: &[u8], waiter: Waiter) {
    let Some(session) = tx.world.pairing.sessions.get(&connection) else {
        return waiter.fail(LinkFailure::Expired);
    };
    if session.linking.is_some() {
        return waiter.fail(LinkFailure::Busy);
    }
    let identity = session.data.identity.clone();
    let Some((device, certificate)) = certify(tx, number, &identity) else {
        return waiter.fail(LinkFailure::NoPhone);
    };
    let sealed = certificate.sealed(adv_secret);
    let request = tx.stanza_id();
    let Some(pair_success) = pair_success(tx, number, device, sealed) else {
        return waiter.fail(LinkFailure::NoPhone);
    };
    let stanza = node("iq")
        .attr("from", server_jid())
        .attr("type", "set")
        .attr("id", request.as_str())
        .attr("xmlns", "md")
        .attr("t", tx.seconds())
        .children([pair_success])
        .build();
    let linking = Linking { request, number: number.to_owned(), device, certificate, waiter };
    if let Some(session) = tx.world.pairing.sessions.get_mut(&connection) {
        session.linking = Some(linking);
    }
    tx.send(connection, stanza);
}

fn certify(tx: &mut Tx<'_>, number: &str, identity: &[u8]) -> Option<(u16, Certificate)> {
    let seconds = tx.seconds();
    let account = tx.world.accounts.get_mut(number)?;
    let device = u16::try_from(account.row.next_device).ok()?;
    account.row.next_device += 1;
    let pair = crypto::pair_from_private(&account.row.identity).ok()?;
    let certificate =
        Certificate::issue(&pair, identity, account.row.raw_id, u32::from(device), seconds).ok()?;
    tx.save_account(number);
    Some((device, certificate))
}

fn pair_success(tx: &Tx<'_>, number: &str, device: u16, sealed: Vec<u8>) -> Option<Node> {
    let account = tx.world.accounts.get(number)?;
    let children = [
        bytes("device-identity", sealed),
        node("device")
            .attr("jid", account.jid(device, Addressing::Pn))
            .attr("lid", account.jid(device, Addressing::Lid))
            .build(),
        node("platform").attr("name", "android").build(),
        // Without it Baileys has no name, sends no presence, and all its receipts are "inactive".
        node("biz").attr("name", account.row.name.as_str()).build(),
    ];
    Some(node("pair-success").children(children).build())
}

/// The client answered an `iq` of the server's. Only the answer to `pair-success` matters.
pub fn handle_answer(tx: &mut Tx<'_>, connection: ConnectionId, answer: &Node) {
    let Some(session) = tx.world.pairing.sessions.get_mut(&connection) else { return };
    let id = answer.text("id");
    let Some(linking) = session.linking.take_if(|linking| linking.request == id) else { return };
    let (data, noise) = (session.data.clone(), session.noise);
    let signed = answer
        .child("pair-device-sign")
        .and_then(|sign| sign.child_bytes("device-identity"))
        .and_then(|sign| linking.certificate.countersigned(&sign, &data.identity));
    let Some(device_identity) = signed else {
        tracing::warn!(connection, "a client did not sign its identity");
        linking.waiter.fail(LinkFailure::Refused);
        return tx.close(connection);
    };
    let at = Address::new(linking.number.as_str(), linking.device);
    match admit(tx, &at, &data, noise, device_identity) {
        Ok(linked) => {
            notifications::device_added(tx, &at);
            linking.waiter.succeed(linked);
            tx.send(connection, node("stream:error").attr("code", 515).build());
        }
        Err(error) => {
            tracing::warn!(%error, "a client could not be linked");
            linking.waiter.fail(LinkFailure::Refused);
        }
    }
    tx.close(connection);
}

fn admit(
    tx: &mut Tx<'_>,
    at: &Address,
    data: &PairingData,
    noise: [u8; 32],
    device_identity: Vec<u8>,
) -> Result<Linked, SandboxError> {
    let identity = crypto::public_key(&data.identity)?;
    let skey = crypto::public_key(&data.skey_value)?;
    if !crypto::verifies(&identity, &[&skey.serialize()], &data.skey_signature) {
        return Err(SandboxError::Protocol("the signed prekey is not signed by the identity"));
    }
    let row = CompanionRow {
        device: u32::from(at.device),
        noise: noise.to_vec(),
        identity: data.identity.clone(),
        registration_id: data.registration_id.clone(),
        skey: SignedKey {
            id: be_number(&data.skey_id),
            value: data.skey_value.clone(),
            signature: data.skey_signature.clone(),
        },
        device_identity,
        platform: platform(&data.device_props),
        linked_at: tx.now.unix_millis(),
        welcomed: false,
    };
    let seconds = tx.seconds();
    let account =
        tx.world.accounts.get_mut(&at.number).ok_or(SandboxError::Protocol("the account is gone"))?;
    account.row.devices_changed = seconds;
    let linked = Linked {
        n: at.device,
        jid: account.jid(at.device, Addressing::Pn).to_string(),
        lid: account.jid(at.device, Addressing::Lid).to_string(),
    };
    account.companions.insert(at.device, Companion::new(row));
    tx.save_account(&at.number);
    tx.save_companion(at);
    Ok(linked)
}

/// The name of what the client says it runs on.
fn platform(device_props: &[u8]) -> String {
    let props = <DeviceProps as prost::Message>::decode(device_props).unwrap_or_default();
    let browser = match props.platform_type.unwrap_or_default() {
        1 => "Chrome",
        2 => "Firefox",
        3 => "Internet Explorer",
        4 => "Opera",
        5 => "Safari",
        6 => "Edge",
        7 => "Desktop",
        _ => "Unknown",
    };
    match props.os.filter(|os| !os.is_empty()) {
        Some(os) => format!("{browser} ({os})"),
        None => browser.to_owned(),
    }
}
