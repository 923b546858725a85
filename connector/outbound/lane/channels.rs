//! By which a lane is told what to do.

use std::sync::{Arc, atomic::AtomicUsize};

use tokio::sync::{Notify, mpsc, watch};

use super::SendPolicy;
use crate::{
    outbound::{Entry, Job},
    whatsapp::Connection,
};

/// What a lane is told.
pub(crate) enum LaneOrder {
    /// A message to send.
    Send(Box<Job>),
    /// The outbox holds messages that no queue entry tells of.
    CatchUp(CatchUpRequest),
}

impl LaneOrder {
    /// The queue entry that it came with.
    pub fn into_entry(self) -> Option<Entry> {
        match self {
            Self::Send(job) => job.entry,
            Self::CatchUp(request) => request.entry,
        }
    }
}

/// Why a lane is to look into the outbox.
#[derive(Default)]
pub(crate) struct CatchUpRequest {
    /// The queue entry that asks for it.
    pub entry: Option<Entry>,
    /// Something was accepted and not queued.
    pub gap: bool,
}

/// A connection that messages can be sent through, and which of the device's numbers it is logged in with.
#[derive(Clone)]
pub(crate) struct OpenConnection {
    pub connection: Arc<dyn Connection>,
    pub generation: u32,
}

/// What a lane hears and tells.
pub(crate) struct Channels {
    pub orders: mpsc::Receiver<LaneOrder>,
    /// The connection to send through, while there is one.
    pub open: watch::Receiver<Option<OpenConnection>>,
    pub policy: watch::Receiver<SendPolicy>,
    /// Asks for another look at the owner's rules.
    pub look: Arc<Notify>,
    /// How many messages it has in hand.
    pub in_hand: Arc<AtomicUsize>,
}
