//! What a lane is told of its device.

use shared::domain::{
    device::{Desired, Device, OnRelink},
    pacing::Pacing,
};

/// What the owner has to say of a device's lane.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SendPolicy {
    /// Not known yet.
    Unknown,
    /// It may send, by these rules.
    Open(SendRules),
    /// Its owner paused it, or it is being unlinked.
    Paused(SendRules),
    /// The device is gone.
    Gone,
}

/// By what a lane goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SendRules {
    /// How fast it may send.
    pub pacing: Pacing,
    /// The number of these rules: what was accepted later goes by later ones.
    pub number: u32,
    /// The link that the device has, or had last.
    pub generation: u32,
    /// The links that it had before.
    pub others: Vec<u32>,
    /// What becomes of messages that wait for one of those.
    pub on_relink: OnRelink,
}

impl SendPolicy {
    /// What the owner wants of a device, by its row.
    pub fn of(device: &Device) -> Self {
        let others = device.links().map(|link| link.generation).filter(|other| *other != device.generation);
        let rules = SendRules {
            pacing: device.pacing.clone(),
            number: device.send_rules,
            generation: device.generation,
            others: others.collect(),
            on_relink: device.on_relink,
        };
        match device.desired {
            _ if device.paused => Self::Paused(rules),
            Desired::Deleted | Desired::LoggedOut => Self::Paused(rules),
            Desired::Connected | Desired::Disconnected => Self::Open(rules),
        }
    }

    pub(super) fn rules(&self) -> Option<&SendRules> {
        match self {
            Self::Open(rules) | Self::Paused(rules) => Some(rules),
            Self::Unknown | Self::Gone => None,
        }
    }
}
