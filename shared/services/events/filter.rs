//! Which events somebody wants.

use crate::{
    domain::{
        event::{Event, EventPattern, EventType},
        ids::DeviceId,
        permissions::Permission,
    },
    services::{Error, Invalid, Scope},
};

/// Which events are wanted; nothing given means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Types and families of them.
    pub types: Vec<EventPattern>,
    /// Of this device alone.
    pub device: Option<DeviceId>,
    /// Of these devices alone; of all, and also what is of no device, when empty.
    pub devices: Vec<DeviceId>,
    /// Without QR codes, which are as good as a login.
    pub without_qr: bool,
}

impl EventFilter {
    /// Reads a filter as it is asked for: types separated by commas, and a device's id.
    pub fn parse(types: Option<&str>, device: Option<DeviceId>) -> Result<Self, Error> {
        let mut invalid = Invalid::default();
        let names = types.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let read = |name: &str| invalid.take(name.parse(), "types", "type_unknown");
        let types = names.filter_map(read).collect();
        invalid.check()?;
        Ok(Self { types, device, ..Self::default() })
    }

    /// The same, without what may not be seen there.
    #[must_use]
    pub fn within(self, scope: &Scope) -> Self {
        Self {
            without_qr: !scope.allows(Permission::ConnectDevices),
            devices: scope.devices().to_vec(),
            ..self
        }
    }

    /// Whether an event is wanted.
    pub fn takes(&self, event: &Event) -> bool {
        if self.without_qr && event.kind == EventType::QrGenerated {
            return false;
        }
        let is_of = |device| self.devices.contains(&device);
        if !self.devices.is_empty() && !event.device_id.is_some_and(is_of) {
            return false;
        }
        let of_type = self.types.is_empty() || self.types.iter().any(|pattern| pattern.matches(event.kind));
        of_type && self.device.is_none_or(|device| event.device_id == Some(device))
    }
}
