//! The link itself: the device's identity and what was agreed at pairing.

use async_trait::async_trait;
use whatsapp_rust::wacore::{
    stats::StorageResourceReport,
    store::{
        Device,
        error::{Result, StoreError},
        traits::DeviceStore,
    },
};

use super::{
    SessionStore,
    rows::{DeviceRow, RowName},
};

#[async_trait]
impl DeviceStore for SessionStore {
    async fn save(&self, device: &Device) -> Result<()> {
        let json = serde_json::to_vec(device).map_err(|error| StoreError::Serialization(Box::new(error)))?;
        let row = DeviceRow { linked: device.pn.is_some(), json: json.into() };
        self.change(|image, touched| {
            // The library saves at every connect, whether or not anything is new.
            if image.device.as_ref() != Some(&row) {
                image.device = Some(row);
                touched.now.insert(RowName::Device);
            }
        })
        .await
    }

    async fn load(&self) -> Result<Option<Device>> {
        let Some(row) = self.read(|image| image.device.clone()) else { return Ok(None) };
        serde_json::from_slice(&row.json)
            .map(Some)
            .map_err(|error| StoreError::Serialization(Box::new(error)))
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.read(|image| image.device.is_some()))
    }

    /// The library numbers the devices of a store; here every device has its own. The first save makes
    /// the row.
    async fn create(&self) -> Result<i32> {
        Ok(1)
    }

    async fn resource_report(&self) -> StorageResourceReport {
        StorageResourceReport::default()
    }
}
