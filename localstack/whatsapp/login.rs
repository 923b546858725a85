//! What happens right after the handshake: a new client gets references for its QR code, a linked
//! one is let in or turned away.

use wacore_binary::Node;

use super::{
    address::{Address, Addressing},
    crypto,
    node::{node, server_jid},
    pairing::qr,
    proto::ClientPayload,
    state::{ConnectionId, Tx},
};

/// `<failure>` to a client whose key is not that of a linked device.
const NOT_LINKED: u16 = 401;

/// Lets a client in by what its payload says and the key it proved.
pub fn enter(tx: &mut Tx<'_>, connection: ConnectionId, payload: ClientPayload, noise: [u8; 32]) {
    match (payload.pairing, payload.username) {
        (Some(pairing), _) => qr::invite(tx, connection, pairing, noise),
        (None, Some(username)) => {
            let device = u16::try_from(payload.device.unwrap_or_default()).unwrap_or_default();
            let client = Address::new(username.to_string(), device);
            log_in(tx, connection, client, noise);
        }
        (None, None) => refuse(tx, connection, 400),
    }
}

fn log_in(tx: &mut Tx<'_>, connection: ConnectionId, client: Address, noise: [u8; 32]) {
    if let Some(reason) = tx.world.faults.for_login(&client.number) {
        return refuse(tx, connection, reason);
    }
    let known = tx.world.companion(&client).filter(|companion| companion.row.noise == noise);
    let Some(companion) = known else { return refuse(tx, connection, NOT_LINKED) };
    let before = companion.online;
    if let Some(before) = before {
        end_stream(tx, before, conflict("replaced"));
    }
    if let Some(companion) = tx.world.companion_mut(&client) {
        companion.online = Some(connection);
        companion.active = false;
        companion.told_low = false;
    }
    if let Some(entry) = tx.world.connections.get_mut(&connection) {
        entry.client = Some(client.clone());
    }
    tx.world.sockets.logged_in(&client, connection, before, tx.now);
    tx.world.stats.logins += 1;
    let Some(lid) = tx.world.jid(&client, Addressing::Lid) else { return };
    let seconds = tx.seconds();
    tx.send(
        connection,
        node("success")
            .attr("t", seconds)
            .attr("props", 1)
            .attr("location", "sandbox")
            .attr("lid", lid)
            .build(),
    );
    // The client shows it again at its next connect, before the header.
    let routing = node("routing_info").bytes(crypto::random::<8>()).build();
    let routing = node("edge_routing").children([routing]).build();
    tx.send(connection, node("ib").attr("from", server_jid()).children([routing]).build());
}

fn refuse(tx: &mut Tx<'_>, connection: ConnectionId, reason: u16) {
    tx.send(connection, node("failure").attr("reason", reason).attr("location", "sandbox").build());
    tx.close(connection);
}

/// The last stanza of a stream that another one or the phone has ended.
pub fn conflict(kind: &'static str) -> Node {
    let conflict = node("conflict").attr("type", kind).build();
    let error = node("stream:error");
    let error = if kind == "device_removed" { error.attr("code", 401) } else { error };
    error.children([conflict]).build()
}

/// Says why, and closes.
pub fn end_stream(tx: &mut Tx<'_>, connection: ConnectionId, reason: Node) {
    tx.send(connection, reason);
    tx.close(connection);
}
