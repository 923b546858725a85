//! Ids: a prefix that tells the kind, and a ULID.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ulid::Ulid;

use crate::{clock::Timestamp, crypto};

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}<ulid>")]
pub struct IdError {
    prefix: &'static str,
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// A new id: time-ordered, with 80 random bits.
            pub fn generate(now: Timestamp) -> Self {
                let random = crypto::random_bytes::<16>();
                let millis = u64::try_from(now.unix_millis()).unwrap_or_default();
                Self(Ulid::from_parts(millis, u128::from_be_bytes(random)))
            }

            /// The id that always comes from the same input: the first 128 bits of a digest.
            pub fn derived(digest: [u8; 32]) -> Self {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&digest[..16]);
                Self(Ulid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { prefix: $prefix };
                let ulid = text.strip_prefix($prefix).ok_or_else(|| error.clone())?;
                Ulid::from_string(ulid).map(Self).map_err(|_| error)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

prefixed_id!(
    /// Who owns devices, messages, keys and webhooks.
    TenantId,
    "ten_"
);
prefixed_id!(
    /// A person in a tenant.
    AccountId,
    "acc_"
);
prefixed_id!(
    /// A credential of an account, for programs.
    ApiKeyId,
    "key_"
);
prefixed_id!(
    /// A chain of refresh tokens that began with one login.
    TokenFamilyId,
    "fam_"
);
prefixed_id!(
    /// A linked WhatsApp account.
    DeviceId,
    "dev_"
);
prefixed_id!(
    /// One message, in either direction.
    MessageId,
    "msg_"
);
prefixed_id!(
    /// Something asked of the connector that is answered through a row.
    CommandId,
    "cmd_"
);
prefixed_id!(
    /// One entry of the audit log.
    AuditId,
    "aud_"
);
prefixed_id!(
    /// A connector that runs.
    WorkerId,
    "wrk_"
);
prefixed_id!(
    /// One event of a tenant's log. Ids sort in the log's order, and say where in the log an event is.
    EventId,
    "evt_"
);
prefixed_id!(
    /// Events that go through the queue together.
    BlockId,
    "blk_"
);
prefixed_id!(
    /// Where a tenant's events are sent to.
    WebhookId,
    "whk_"
);
prefixed_id!(
    /// One event on its way to one webhook, with all its tries.
    DeliveryId,
    "dlv_"
);
prefixed_id!(
    /// Something that was set aside.
    SetAsideId,
    "sas_"
);
prefixed_id!(
    /// Something sent to many.
    JobId,
    "job_"
);
prefixed_id!(
    /// Something sent when its time comes.
    ScheduleId,
    "sch_"
);
prefixed_id!(
    /// A rule for answering what arrives.
    AutoReplyId,
    "arp_"
);
prefixed_id!(
    /// One HTTP request.
    RequestId,
    "req_"
);

impl DeviceId {
    /// The shard that a device belongs to, for a number of shards: fixed at creation and stored with
    /// the device, so that another count moves no device.
    pub fn shard(self, shards: u16) -> u16 {
        let digest = crypto::digest_of(&[self.to_string().as_bytes()]);
        let number = u64::from_be_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ]);
        u16::try_from(number % u64::from(shards.max(1))).unwrap_or_default()
    }
}

impl DeliveryId {
    /// The delivery of an event that happened: the same however often it is queued, and in the events' order.
    pub fn of(webhook: WebhookId, event: EventId) -> Self {
        let digest = crypto::digest_of(&[webhook.to_string().as_bytes(), event.to_string().as_bytes()]);
        let mut random = [0; 16];
        random.copy_from_slice(&digest[..16]);
        Self(Ulid::from_parts(event.0.timestamp_ms(), u128::from_be_bytes(random)))
    }
}

impl EventId {
    /// The id of the event at `index` in the row `sequence` of a log, which was written at `millis` (unix time).
    pub fn at(millis: i64, sequence: u64, index: u16) -> Self {
        let place = u128::from(sequence) << 16 | u128::from(index);
        Self(Ulid::from_parts(u64::try_from(millis).unwrap_or_default(), place))
    }

    /// When its row was written, in unix milliseconds.
    pub fn unix_millis(self) -> i64 {
        i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX)
    }

    /// Its row.
    pub fn sequence(self) -> u64 {
        u64::try_from(self.0.random() >> 16).unwrap_or(u64::MAX)
    }

    /// Its place in the row.
    pub fn index(self) -> u16 {
        u16::try_from(self.0.random() & 0xffff).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_from_its_text(millis in 0i64..9_000_000_000_000) {
            let id = DeviceId::generate(Timestamp::from_unix_millis(millis));
            prop_assert_eq!(id.to_string().parse::<DeviceId>().unwrap(), id);
            prop_assert!(id.to_string().parse::<MessageId>().is_err());
            prop_assert!(id.shard(4) < 4);
        }

        #[test]
        fn an_events_id_says_where_it_is_and_sorts_like_it(
            a in (0i64..4_000_000_000_000, 0u64..=u64::MAX, 0u16..=u16::MAX),
            b in (0i64..4_000_000_000_000, 0u64..=u64::MAX, 0u16..=u16::MAX),
        ) {
            let (first, second) = (EventId::at(a.0, a.1, a.2), EventId::at(b.0, b.1, b.2));
            prop_assert_eq!((first.unix_millis(), first.sequence(), first.index()), a);
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first.to_string().cmp(&second.to_string()), a.cmp(&b));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".*") {
            let _ = text.parse::<DeviceId>();
        }
    }
}
