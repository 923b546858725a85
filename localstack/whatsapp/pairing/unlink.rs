//! The end of a link.

use crate::whatsapp::{
    address::Address,
    login, notifications,
    state::{Tx, rows::keys},
};

/// Unlinks a device of an account: by the phone, or by the client itself.
pub fn unlink(tx: &mut Tx<'_>, at: &Address) -> bool {
    let seconds = tx.seconds();
    let Some(account) = tx.world.accounts.get_mut(&at.number) else { return false };
    let Some(companion) = account.companions.remove(&at.device) else { return false };
    account.row.devices_changed = seconds;
    tx.save_account(&at.number);
    tx.delete(keys::companion(at));
    tx.delete(keys::key_pool(at));
    for seq in companion.queue.keys() {
        tx.delete(keys::queued(at, *seq));
    }
    if let Some(connection) = companion.online {
        login::end_stream(tx, connection, login::conflict("device_removed"));
    }
    notifications::device_removed(tx, at);
    true
}
