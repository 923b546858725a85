//! Fetching the keys for a new session with any device.

use super::keys::offer_bundle;
use crate::whatsapp::{address::Address, bundle::Bundle, error::SandboxError, notifications, state::Tx};

/// Takes the keys for a new session with a device. Each one-time key is given out once; when none
/// is left the session starts without.
pub fn take_bundle(tx: &mut Tx<'_>, at: &Address) -> Result<Bundle, SandboxError> {
    if at.is_phone() {
        return offer_bundle(tx, &at.number);
    }
    let companion = tx.world.companion_mut(at).ok_or(SandboxError::Protocol("no such device"))?;
    let one_time = companion.pool.pop_front();
    let bundle = Bundle {
        registration_id: companion.row.registration_id.clone(),
        identity: companion.row.identity.clone(),
        skey: companion.row.skey.clone(),
        one_time,
        device_identity: Some(companion.row.device_identity.clone()),
    };
    if bundle.one_time.is_some() {
        tx.save_key_pool(at);
        notifications::check_key_pool(tx, at);
    }
    Ok(bundle)
}
