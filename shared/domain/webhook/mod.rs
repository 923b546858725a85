//! Webhooks: where a tenant's events are sent to, and the rules of sending them.

mod delivery;
mod headers;
mod schedule;
mod shown;
mod signature;
mod slow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use delivery::{Attempt, AttemptStatus, MAX_BODY_BYTES, Trigger, webhook_message_id};
pub use headers::{HeaderFault, MAX_HEADERS, check_headers};
pub use schedule::{GIVE_UP_AFTER, LONGEST_QUEUE_DELAY, RETRIES, is_due, next_pause, queue_delay};
pub use shown::shown_url;
pub use signature::{SECRET_PREFIX, SecretError, hub_signature, new_secret, signature};
pub use slow::{SLOW_FOR, SLOW_TRY};

use super::{
    event::{EventPattern, EventType},
    ids::{DeviceId, TenantId, WebhookId},
    stored::optional_word,
};
use crate::clock::Timestamp;

/// How many webhooks a tenant may have.
pub const MAX_WEBHOOKS: usize = 20;

/// How many patterns a webhook may have.
pub const MAX_PATTERNS: usize = 50;

/// How long the secret before signs beside a new one.
pub const SECRET_OVERLAP: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// A webhook, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The tenant.
    pub account_id: TenantId,
    /// Where events are sent to.
    pub url: String,
    /// Which events.
    pub events: Vec<EventPattern>,
    /// Of which devices; of all, and also what is of no device, when empty.
    #[serde(default)]
    pub device_ids: Vec<DeviceId>,
    /// Whether anything is sent.
    pub active: bool,
    /// Why nothing is, when Kurir decided so.
    #[serde(default, deserialize_with = "optional_word")]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when every try has failed.
    pub failing_since: Option<Timestamp>,
    /// Until when its deliveries go through the queue for slow receivers.
    #[serde(default)]
    pub slow_until: Option<Timestamp>,
    /// Until when the secret before the present one signs, too.
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner, or Kurir, last changed it.
    pub updated_at: Timestamp,
}

/// Why Kurir sends a webhook nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DisabledReason {
    /// It answered 410.
    Gone,
    /// Nothing but failures for five days.
    Failing,
}

impl Webhook {
    /// Whether it wants an event of this type and device.
    pub fn wants(&self, kind: EventType, device: Option<DeviceId>) -> bool {
        let of_device =
            self.device_ids.is_empty() || device.is_some_and(|device| self.device_ids.contains(&device));
        self.active && of_device && self.events.iter().any(|pattern| pattern.matches(kind))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample};

    use super::*;

    pub(super) fn webhook(patterns: &[&str], device_ids: Vec<DeviceId>) -> Webhook {
        let now = Timestamp::from_unix_millis(0);
        Webhook {
            id: WebhookId::generate(now),
            account_id: TenantId::generate(now),
            url: "https://example.com".into(),
            events: patterns.iter().map(|text| text.parse().unwrap()).collect(),
            device_ids,
            active: true,
            disabled_reason: None,
            failing_since: None,
            slow_until: None,
            previous_secret_until: None,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_webhook_wants_what_its_patterns_and_devices_say_while_it_is_active() {
        let (one, other) = (DeviceId::derived([1; 32]), DeviceId::derived([2; 32]));
        let all = webhook(&["message.*"], Vec::new());
        assert!(all.wants(EventType::MessageSent, Some(one)) && all.wants(EventType::MessageSent, None));
        assert!(!all.wants(EventType::ConnectionOpen, Some(one)));
        let narrow = webhook(&["message.*"], vec![one]);
        assert!(narrow.wants(EventType::MessageSent, Some(one)));
        assert!(!narrow.wants(EventType::MessageSent, Some(other)));
        assert!(!narrow.wants(EventType::MessageSent, None));
        assert!(!Webhook { active: false, ..all }.wants(EventType::MessageSent, Some(one)));
    }

    proptest! {
        #[test]
        fn a_type_is_wanted_by_its_own_name_its_family_and_the_star_alone(
            kind in sample::select(EventType::ALL.to_vec()),
            other in sample::select(EventType::ALL.to_vec()),
        ) {
            let family = |kind: EventType| kind.as_str().split('.').next().unwrap().to_owned();
            let wants = |pattern: &str| webhook(&[pattern], Vec::new()).wants(kind, None);
            let by_any = [wants("*"), wants(kind.as_str()), wants(&format!("{}.*", family(kind)))];
            prop_assert_eq!(by_any, [true; 3]);
            prop_assert_eq!(wants(other.as_str()), other == kind);
            prop_assert_eq!(wants(&format!("{}.*", family(other))), family(other) == family(kind));
        }

        #[test]
        fn more_patterns_want_more(
            kind in sample::select(EventType::ALL.to_vec()),
            one in sample::select(EventType::ALL.to_vec()),
            other in sample::select(EventType::ALL.to_vec()),
        ) {
            let both = webhook(&[one.as_str(), other.as_str()], Vec::new());
            prop_assert_eq!(both.wants(kind, None), kind == one || kind == other);
        }

        #[test]
        fn any_text_is_read_as_a_pattern_or_refused_without_a_panic(text in ".*") {
            if let Ok(pattern) = text.parse::<EventPattern>() {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
