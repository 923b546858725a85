//! `/v1/tenant`: the caller's tenant.

pub(super) mod change;
pub(super) mod get;

use serde::{Deserialize, Deserializer};

/// Tells `null` from what is not given.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
