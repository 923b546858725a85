//! Cursors of lists: opaque, versioned, bound to tenant and query, and proof against tampering.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{crypto::MasterKey, crypto::Sealer, domain::ids::TenantId};

/// The key of the last row shown. All of Kurir's keys are text.
pub type LastKey = BTreeMap<String, String>;

const VERSION: u8 = 1;
const MAX_LEN: usize = 2_048;

/// Writes and reads cursors.
#[derive(Debug, Clone)]
pub struct Cursors(Sealer);

/// The text is no cursor of this list: made up, altered, or of another query.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct CursorError;

impl Cursors {
    /// Cursors under a key derived for them.
    pub fn new(master_key: &MasterKey) -> Self {
        Self(master_key.sealer("cursors"))
    }

    /// Writes a cursor for `tenant` and `query`, a text that names the list with its filters.
    pub fn encode(&self, tenant: TenantId, query: &str, key: &LastKey) -> String {
        let plain = serde_json::to_vec(key).unwrap_or_default();
        let mut bytes = vec![VERSION];
        bytes.extend(self.0.seal(&Self::scope(tenant, query), &plain));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor back, for the same tenant and query only.
    pub fn decode(&self, tenant: TenantId, query: &str, text: &str) -> Result<LastKey, CursorError> {
        if text.len() > MAX_LEN {
            return Err(CursorError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let (&VERSION, sealed) = bytes.split_first().ok_or(CursorError)? else { return Err(CursorError) };
        let plain = self.0.open(&Self::scope(tenant, query), sealed).map_err(|_| CursorError)?;
        serde_json::from_slice(&plain).map_err(|_| CursorError)
    }

    fn scope(tenant: TenantId, query: &str) -> Vec<u8> {
        format!("{VERSION}|{tenant}|{query}").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_works_for_its_own_tenant_and_query_only() {
        let cursors = Cursors::new(&MasterKey::generate());
        let (ani, budi) = (TenantId::derived([1; 32]), TenantId::derived([2; 32]));
        let key = LastKey::from([("id".into(), "dev_1".into())]);
        let cursor = cursors.encode(ani, "devices", &key);
        assert_eq!(cursors.decode(ani, "devices", &cursor).unwrap(), key);
        assert!(cursors.decode(budi, "devices", &cursor).is_err());
        assert!(cursors.decode(ani, "devices?status=qr", &cursor).is_err());
        assert!(cursors.decode(ani, "devices", &cursor[..cursor.len() - 2]).is_err());
        assert!(cursors.decode(ani, "devices", "%%%").is_err());
        assert!(cursors.decode(ani, "devices", "").is_err());
    }
}
