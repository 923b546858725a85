//! What is encrypted on its way through a queue: events, and deliveries of them. Other payloads say only where to look.

use std::error::Error;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{QueueKind, Queues};
use crate::{crypto::OpenError, domain::ids::TenantId};

/// A payload that is sealed: with AES-256-GCM, under the key of its tenant.
pub trait OfTenant: Serialize {
    /// The tenant.
    fn tenant(&self) -> TenantId;
}

/// What the body of a message holds.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Body {
    #[serde(rename = "sealed.v1", rename_all = "camelCase")]
    Sealed {
        account_id: TenantId,
        /// The payload's JSON, sealed, in base64.
        data: String,
    },
    /// A payload in clear, as earlier versions sent it.
    #[serde(other)]
    Plain,
}

impl Queues {
    /// A payload as the body of a message in a queue of this kind.
    pub(super) fn seal(&self, kind: QueueKind, payload: &impl OfTenant) -> Result<String, serde_json::Error> {
        let tenant = payload.tenant();
        let sealer = self.sealers().of(&tenant.to_string());
        let sealed = sealer.seal(place(kind, tenant).as_bytes(), &serde_json::to_vec(payload)?);
        serde_json::to_string(&Body::Sealed { account_id: tenant, data: STANDARD.encode(sealed) })
    }

    /// The payload in the body of a message of a queue of this kind, sealed or not.
    ///
    /// # Errors
    /// When it does not open, or has not the form of `T`.
    pub fn read<T: DeserializeOwned>(
        &self,
        kind: QueueKind,
        body: &str,
    ) -> Result<T, Box<dyn Error + Send + Sync>> {
        if matches!(kind, QueueKind::Sends | QueueKind::Commands) {
            return Ok(serde_json::from_str(body)?);
        }
        match serde_json::from_str(body)? {
            Body::Sealed { account_id, data } => {
                let sealed = STANDARD.decode(data).map_err(|_| OpenError)?;
                let sealer = self.sealers().of(&account_id.to_string());
                Ok(serde_json::from_slice(&sealer.open(place(kind, account_id).as_bytes(), &sealed)?)?)
            }
            Body::Plain => Ok(serde_json::from_str(body)?),
        }
    }
}

/// What a body is bound to.
fn place(kind: QueueKind, tenant: TenantId) -> String {
    format!("queue\n{}\n{tenant}", kind.name())
}
