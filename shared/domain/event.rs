//! Events: what happened to a tenant's devices and messages, as the event stream and webhooks tell it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{
    ids::{DeviceId, EventId},
    stored::remembered,
};
use crate::clock::Timestamp;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A message arrived.
    MessageReceived,
    /// WhatsApp's server took a message, or the owner sent one on the phone.
    MessageSent,
    /// A message is on the recipient's phone.
    MessageDelivered,
    /// The recipient read a message.
    MessageRead,
    /// A message was given up.
    MessageFailed,
    /// A device can send and receive from now on.
    ConnectionOpen,
    /// A device cannot send and receive any more, or not for a while.
    ConnectionClose,
    /// There is a QR code to scan.
    QrGenerated,
    /// A device's status changed.
    DeviceStatus,
    /// A bulk job went on.
    JobProgress,
    /// A bulk job is done.
    JobCompleted,
    /// A broadcast is done.
    BroadcastCompleted,
    /// A group changed.
    GroupUpdated,
    /// A webhook was switched off, because its receiver wants no more or fails for days.
    WebhookDisabled,
    /// A plan's limit of deliveries is reached: what is over it waits for the next span.
    WebhookThrottled,
    /// A webhook's owner tries it out. It goes to that webhook alone and is in no log.
    WebhookTest,
    /// One of a newer version of Kurir, by its name.
    Other(&'static str),
}

impl EventType {
    /// All types that this version knows.
    pub const ALL: [Self; 16] = [
        Self::MessageReceived,
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageRead,
        Self::MessageFailed,
        Self::ConnectionOpen,
        Self::ConnectionClose,
        Self::QrGenerated,
        Self::DeviceStatus,
        Self::JobProgress,
        Self::JobCompleted,
        Self::BroadcastCompleted,
        Self::GroupUpdated,
        Self::WebhookDisabled,
        Self::WebhookThrottled,
        Self::WebhookTest,
    ];

    /// Whether it tells of a message, and so of what somebody wrote.
    pub fn is_of_message(self) -> bool {
        family_of(self) == "message"
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageReceived => "message.received",
            Self::MessageSent => "message.sent",
            Self::MessageDelivered => "message.delivered",
            Self::MessageRead => "message.read",
            Self::MessageFailed => "message.failed",
            Self::ConnectionOpen => "connection.open",
            Self::ConnectionClose => "connection.close",
            Self::QrGenerated => "qr.generated",
            Self::DeviceStatus => "device.status",
            Self::JobProgress => "job.progress",
            Self::JobCompleted => "job.completed",
            Self::BroadcastCompleted => "broadcast.completed",
            Self::GroupUpdated => "group.updated",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookThrottled => "webhook.throttled",
            Self::WebhookTest => "webhook.test",
            Self::Other(name) => name,
        }
    }

    /// The type of this name, as far as this version knows it.
    fn known(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let newer = || remembered(&name).map(Self::Other);
        Self::known(&name).or_else(newer).ok_or_else(|| D::Error::custom("not a type of event"))
    }
}

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(Self::as_str);
        let description = "What kind of thing happened.";
        let object = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
        object.enum_values(Some(names)).into()
    }
}

impl ToSchema for EventType {}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which types somebody wants: one by its name, a family like `message.*`, or `*` for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventPattern {
    /// Every type, also those that later versions bring.
    All,
    /// Every type of a family: what stands before the dot.
    Family(&'static str),
    /// One type.
    One(EventType),
}

/// The text is no pattern of event types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a type of event, nor a pattern like `message.*` or `*`")]
pub struct EventPatternError;

impl EventPattern {
    /// Whether it takes in this type.
    pub fn matches(self, kind: EventType) -> bool {
        match self {
            Self::All => true,
            Self::Family(family) => family_of(kind) == family,
            Self::One(one) => one == kind,
        }
    }
}

fn family_of(kind: EventType) -> &'static str {
    kind.as_str().split('.').next().unwrap_or_default()
}

impl FromStr for EventPattern {
    type Err = EventPatternError;
    fn from_str(text: &str) -> Result<Self, EventPatternError> {
        if text == "*" {
            return Ok(Self::All);
        }
        let pattern = match text.strip_suffix(".*") {
            Some(family) => {
                let known = EventType::ALL.into_iter().map(family_of).find(|known| *known == family);
                known.map(Self::Family)
            }
            None => EventType::known(text).map(Self::One),
        };
        pattern.ok_or(EventPatternError)
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Family(family) => write!(f, "{family}.*"),
            Self::One(kind) => kind.fmt(f),
        }
    }
}

impl Serialize for EventPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As rows have it, some of them of a newer version.
impl<'de> Deserialize<'de> for EventPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let newer = || match text.strip_suffix(".*") {
            Some(family) => remembered(family).map(Self::Family),
            None => remembered(&text).map(EventType::Other).map(Self::One),
        };
        text.parse().ok().or_else(newer).ok_or_else(|| D::Error::custom(EventPatternError))
    }
}

/// Something that happened, in its tenant's log.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id. Ids of a tenant sort in the order of its log.
    pub id: EventId,
    /// What kind of thing happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// To which device; absent when to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// What there is to say of it, by its type.
    pub data: Value,
}

/// An event on its way to the log.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewEvent {
    /// What kind of thing happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// To which device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// What there is to say of it.
    pub data: Value,
    /// By which it is recognised when it is told again: the id of what it happened to. Events without one are
    /// never told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// It may have been told before, at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maybe_since: Option<Timestamp>,
}

/// The most bytes that an event's data takes. A text of WhatsApp's greatest length may take more, which
/// neither queue nor table would hold.
const MOST_BYTES: usize = 180 * 1024;

impl NewEvent {
    /// An event of a device.
    pub fn new(kind: EventType, timestamp: Timestamp, device: DeviceId, data: Value) -> Self {
        Self { kind, timestamp, device_id: Some(device), data, of: None, maybe_since: None }
    }

    /// The same, recognised by the id of what it happened to.
    #[must_use]
    pub fn of(self, id: impl fmt::Display) -> Self {
        Self { of: Some(id.to_string()), ..self }
    }

    /// The same, which may have been told before, since then.
    #[must_use]
    pub fn maybe_told_since(self, moment: Option<Timestamp>) -> Self {
        Self { maybe_since: moment, ..self }
    }

    /// The same with data that fits queue and table: the largest fields are left out until it does, and
    /// `truncated` says so.
    #[must_use]
    pub fn fitting(mut self) -> Self {
        while self.data.to_string().len() > MOST_BYTES {
            let Value::Object(fields) = &mut self.data else {
                self.data = Value::Null;
                break;
            };
            let largest = fields.iter().max_by_key(|(_, value)| value.to_string().len());
            let Some(name) = largest.map(|(name, _)| name.clone()) else { break };
            fields.remove(&name);
            fields.insert("truncated".into(), Value::Bool(true));
        }
        self
    }

    /// The event under the id that the log gives it.
    pub fn logged_as(self, id: EventId) -> Event {
        Event { id, kind: self.kind, timestamp: self.timestamp, device_id: self.device_id, data: self.data }
    }
}

/// What people wrote and QR codes are in the data: never shown in a log of ours.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Event");
        shown.field("id", &self.id).field("kind", &self.kind).field("device_id", &self.device_id);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NewEvent");
        shown.field("kind", &self.kind).field("device_id", &self.device_id).field("of", &self.of);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_written_as_the_api_names_it() {
        for kind in EventType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn patterns_take_in_one_type_a_family_or_all() {
        let takes_in = |pattern: &str, kind| pattern.parse::<EventPattern>().unwrap().matches(kind);
        assert!(takes_in("message.*", EventType::MessageRead));
        assert!(!takes_in("message.*", EventType::DeviceStatus));
        assert!(takes_in("*", EventType::DeviceStatus));
        assert!(takes_in("qr.generated", EventType::QrGenerated));
        assert!(!takes_in("message.sent", EventType::MessageRead));
        for wrong in ["", "message", "message.", "mess.*", "message.*.x", "Message.sent", "**", ".*"] {
            assert!(wrong.parse::<EventPattern>().is_err(), "{wrong}");
        }
        for text in ["*", "message.*", "job.progress"] {
            assert_eq!(text.parse::<EventPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_that_people_wrote_and_no_qr_code_is_shown_in_a_log() {
        let device = DeviceId::derived([1; 32]);
        let at = Timestamp::from_unix_millis(0);
        let event = NewEvent::new(EventType::QrGenerated, at, device, json!({"qr": "2@secret"}));
        assert!(!format!("{event:?}").contains("secret"));
        let event = event.logged_as(EventId::at(1, 1, 0));
        assert!(!format!("{event:?}").contains("secret"));
    }

    #[test]
    fn data_that_is_too_large_for_a_queue_loses_its_largest_field_and_says_so() {
        let device = DeviceId::derived([1; 32]);
        let at = Timestamp::from_unix_millis(0);
        let data = json!({"id": "msg_1", "text": {"body": "\u{1}".repeat(65_536)}});
        let event = NewEvent::new(EventType::MessageReceived, at, device, data).fitting();
        assert_eq!(event.data, json!({"id": "msg_1", "truncated": true}));
    }
}
