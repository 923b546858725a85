//! Linking by QR code.

use std::time::Duration;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::{LinkFailure, Reference, Session, Waiter, link};
use crate::whatsapp::{
    crypto,
    node::{bytes, node, server_jid},
    proto::PairingData,
    state::{ConnectionId, Tx},
};

/// How many references a client gets before it has to connect again.
const REFERENCES: u32 = 6;
/// A client shows the first code this long, and the others for [`NEXT_LIFE`].
const FIRST_LIFE: Duration = Duration::from_secs(60);
const NEXT_LIFE: Duration = Duration::from_secs(20);
/// The client's clock for a code starts when it shows it, a little after ours.
const GRACE: Duration = Duration::from_secs(5);
/// How long an expired reference is remembered, to be told from one that never was.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Takes a client in that wants to be linked, and gives it references for its QR codes.
pub fn invite(tx: &mut Tx<'_>, connection: ConnectionId, data: PairingData, noise: [u8; 32]) {
    let now = tx.now;
    let references = &mut tx.world.pairing.references;
    references.retain(|_, reference| now < reference.expires + REMEMBERED);
    let mut refs = Vec::new();
    for shown_before in 0..REFERENCES {
        let name = format!("2@{}", URL_SAFE_NO_PAD.encode(crypto::random::<48>()));
        let expires = now + FIRST_LIFE + NEXT_LIFE * shown_before + GRACE;
        refs.push(bytes("ref", name.as_bytes()));
        references.insert(name, Reference { connection, expires });
    }
    tx.world.pairing.sessions.insert(connection, Session::new(data, noise));
    let id = tx.stanza_id();
    tx.send(
        connection,
        node("iq")
            .attr("from", server_jid())
            .attr("type", "set")
            .attr("id", id)
            .attr("xmlns", "md")
            .children([node("pair-device").children(refs).build()])
            .build(),
    );
}

/// What a QR code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrCode {
    pub reference: String,
    pub noise: Vec<u8>,
    pub identity: Vec<u8>,
    pub adv_secret: Vec<u8>,
}

impl QrCode {
    /// Reads `ref,noise,identity,secret[,platform]`, bare or as the fragment of a
    /// `https://wa.me/settings/linked_devices#…` link.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fields =
            text.strip_prefix("https://").map_or(Some(text), |link| Some(link.split_once('#')?.1))?;
        let mut fields = fields.split(',');
        let reference = fields.next().filter(|reference| !reference.is_empty())?.to_owned();
        let mut key = || STANDARD.decode(fields.next()?).ok().filter(|key| key.len() == 32);
        Some(Self { reference, noise: key()?, identity: key()?, adv_secret: key()? })
    }
}

/// The phone of `number` scans a code.
pub fn scan(tx: &mut Tx<'_>, number: &str, qr: &QrCode, waiter: Waiter) {
    match find(tx, qr) {
        Ok(connection) => link::start(tx, connection, number, &qr.adv_secret, waiter),
        Err(failure) => waiter.fail(failure),
    }
}

fn find(tx: &Tx<'_>, qr: &QrCode) -> Result<ConnectionId, LinkFailure> {
    let pairing = &tx.world.pairing;
    let reference = pairing.references.get(&qr.reference).ok_or(LinkFailure::UnknownReference)?;
    if reference.expires < tx.now {
        return Err(LinkFailure::Expired);
    }
    // No session: the client went away, or it is linked already.
    let session = pairing.sessions.get(&reference.connection).ok_or(LinkFailure::Expired)?;
    if session.data.identity != qr.identity || session.noise.as_slice() != qr.noise {
        return Err(LinkFailure::ForeignKeys);
    }
    Ok(reference.connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_read_alike() {
        let key = STANDARD.encode([7; 32]);
        let bare = format!("2@abc,{key},{key},{key},1");
        let link = format!("https://wa.me/settings/linked_devices#{bare}");
        assert_eq!(QrCode::parse(&bare), QrCode::parse(&link));
        assert_eq!(QrCode::parse(&bare).unwrap().reference, "2@abc");
        for wrong in ["", ",,,", "2@abc,AAAA,AAAA,AAAA", "https://wa.me/settings"] {
            assert_eq!(QrCode::parse(wrong), None, "{wrong}");
        }
    }
}
