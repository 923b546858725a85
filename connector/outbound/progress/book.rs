//! Where what becomes of messages is written: the tables, and something that counts in tests.

use async_trait::async_trait;
use serde_json::json;
use shared::{
    domain::{
        ids::{DeviceId, TenantId},
        receipts::Receipts,
        set_aside::SetAsideKind,
    },
    services::{
        Context, Error,
        messages::{self, Recorded},
        set_aside::PassedOver,
    },
    store::messages::Step,
};

use super::waiting::{Key, News};

/// What is written to.
#[async_trait]
pub(super) trait Book: Send + Sync {
    /// Moves a message forward; says how far it is. `None` when there is none. What it is stored under spares a second
    /// look.
    async fn record(
        &self,
        tenant: TenantId,
        key: &Key,
        step: &Step,
        stored_under: Option<&str>,
    ) -> Result<Option<Recorded>, Error>;

    /// Adds receipts of a group's members to a message.
    async fn add_receipts(
        &self,
        tenant: TenantId,
        device: DeviceId,
        stored_under: &str,
        receipts: &Receipts,
    ) -> Result<(), Error>;

    /// Takes what can never be written.
    async fn set_aside(&self, tenant: TenantId, key: &Key, news: &News, why: &Error) -> Result<(), Error>;
}

#[async_trait]
impl Book for Context {
    async fn record(
        &self,
        tenant: TenantId,
        (device, id): &Key,
        step: &Step,
        stored_under: Option<&str>,
    ) -> Result<Option<Recorded>, Error> {
        messages::record_progress(self, tenant, *device, id, step, stored_under).await
    }

    async fn add_receipts(
        &self,
        tenant: TenantId,
        device: DeviceId,
        stored_under: &str,
        receipts: &Receipts,
    ) -> Result<(), Error> {
        messages::record_receipts(self, tenant, device, stored_under, receipts).await
    }

    async fn set_aside(
        &self,
        tenant: TenantId,
        (device, id): &Key,
        news: &News,
        why: &Error,
    ) -> Result<(), Error> {
        let Step { status, sent_at, delivered_at, read_at, failure, only: _ } = &news.step;
        let content = json!({
            "waMessageId": id,
            "status": status,
            "sentAt": sent_at,
            "deliveredAt": delivered_at,
            "readAt": read_at,
            "error": failure.as_ref().map(|(error, _)| error),
            "receipts": news.receipts,
        });
        let item = PassedOver {
            what: SetAsideKind::MessageStep,
            tenant,
            device: Some(*device),
            subject: id,
            distinct: status.as_str(),
            content: Some(content.to_string()),
        };
        Ok(self.set_aside.keep(item, why).await?)
    }
}
