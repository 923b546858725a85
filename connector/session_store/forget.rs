//! Dropping what a restored backup must not go on with.

use prost::Message;
use shared::{
    domain::ids::{DeviceId, TenantId},
    store::session_keys::SessionKeyWrite,
};

use super::{
    SessionStoreError, SessionStores,
    group_commit::RowWrite,
    rows::{PeerRow, kind, kind_of},
};
use crate::ownership::Lease;

impl SessionStores {
    /// Drops the sessions with other people's devices and all sender keys of a device that nobody serves. What the
    /// device is, and who the others are, stays. Says how many rows that changed.
    ///
    /// # Errors
    /// [`SessionStoreError`]; some may be dropped.
    pub async fn forget_sessions(
        &self,
        tenant: TenantId,
        device: DeviceId,
        lease: Lease,
    ) -> Result<usize, SessionStoreError> {
        let mut writes = Vec::new();
        for row in self.shared.rows.load(tenant, device).await? {
            let data = match kind_of(&row.name) {
                kind::SENDER_KEY | kind::GROUP_DEVICES => None,
                kind::PEER => {
                    let content = self.shared.unseal(tenant, device, &row.name, &row.data)?;
                    let without = without_sessions(&content)
                        .map_err(|error| SessionStoreError::Damaged(format!("{}: {error}", row.name)))?;
                    Some(self.shared.seal(tenant, device, &row.name, &without))
                }
                _ => continue,
            };
            let write = SessionKeyWrite { tenant, device, name: row.name, data };
            writes.push(RowWrite { write, lease: lease.clone() });
        }
        let count = writes.len();
        self.shared.commit.reserve().await.submit(writes).durable().await?;
        Ok(count)
    }
}

/// The content of a `peer` row without its sessions: who the person's devices are stays known.
fn without_sessions(content: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    let mut row = PeerRow::decode(content)?;
    row.devices.iter_mut().for_each(|device| device.session = None);
    row.devices.retain(|device| device.identity.is_some());
    Ok(row.encode_to_vec())
}
