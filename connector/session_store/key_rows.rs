//! Where the rows are: DynamoDB, or something that stands in for it in tests.

use async_trait::async_trait;
use shared::{
    domain::ids::{DeviceId, TenantId},
    store::{
        Db, StoreError,
        session_keys::{self, SessionKeyRow, SessionKeyWrite},
    },
};
use thiserror::Error;

/// The stored rows, sealed.
#[async_trait]
pub(super) trait KeyRows: Send + Sync {
    /// All rows of a device.
    async fn load(&self, tenant: TenantId, device: DeviceId) -> Result<Vec<SessionKeyRow>, KeyRowsError>;

    /// One row of a device.
    async fn get(
        &self,
        tenant: TenantId,
        device: DeviceId,
        name: &str,
    ) -> Result<Option<Vec<u8>>, KeyRowsError>;

    /// The names of all rows of a device.
    async fn names(&self, tenant: TenantId, device: DeviceId) -> Result<Vec<String>, KeyRowsError>;

    /// Writes at most 25 different rows, and answers the places of those that must be sent again.
    async fn write(&self, rows: &[SessionKeyWrite]) -> Result<Vec<usize>, KeyRowsError>;
}

/// The rows could not be read or written.
#[derive(Debug, Error)]
#[error("{reason}")]
pub(super) struct KeyRowsError {
    pub reason: String,
    /// Another try may succeed.
    pub passing: bool,
}

impl KeyRowsError {
    pub(super) fn passing(reason: &str) -> Self {
        Self { reason: reason.to_owned(), passing: true }
    }
}

impl From<StoreError> for KeyRowsError {
    fn from(error: StoreError) -> Self {
        let passing = error.kind().passes();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self { reason: format!("{error}{cause}"), passing }
    }
}

#[async_trait]
impl KeyRows for Db {
    async fn load(&self, tenant: TenantId, device: DeviceId) -> Result<Vec<SessionKeyRow>, KeyRowsError> {
        Ok(session_keys::load(self, tenant, device).await?)
    }

    async fn get(
        &self,
        tenant: TenantId,
        device: DeviceId,
        name: &str,
    ) -> Result<Option<Vec<u8>>, KeyRowsError> {
        Ok(session_keys::get(self, tenant, device, name).await?)
    }

    async fn names(&self, tenant: TenantId, device: DeviceId) -> Result<Vec<String>, KeyRowsError> {
        Ok(session_keys::names(self, tenant, device).await?)
    }

    async fn write(&self, rows: &[SessionKeyWrite]) -> Result<Vec<usize>, KeyRowsError> {
        Ok(session_keys::write(self, rows).await?)
    }
}
