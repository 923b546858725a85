//! Who is who, as it is learned.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

use super::lock;

/// Pairs of phone number and LID (user parts) that nobody has taken note of yet. Each pair is learned once,
/// so that no more can wait than there are contacts. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Learned(Arc<Inner>);

#[derive(Default)]
struct Inner {
    pairs: Mutex<VecDeque<(String, String)>>,
    more: Notify,
}

impl Learned {
    pub(super) fn add(&self, pairs: Vec<(String, String)>) {
        if !pairs.is_empty() {
            lock(&self.0.pairs).extend(pairs);
            self.0.more.notify_one();
        }
    }

    /// The next pair, as soon as there is one.
    pub async fn next(&self) -> (String, String) {
        loop {
            let next = lock(&self.0.pairs).pop_front();
            match next {
                Some(pair) => return pair,
                None => self.0.more.notified().await,
            }
        }
    }
}
