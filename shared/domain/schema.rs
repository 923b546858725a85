//! How values that are text look in the API's description.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

use super::{account::Email, event::EventPattern, ids, jid::Jid, phone::PhoneNumber};
use crate::{clock::Timestamp, secret::Secret};

macro_rules! text_schema {
    ($type:ty, $description:literal, $format:expr, $pattern:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                let format: Option<KnownFormat> = $format;
                let pattern: Option<&str> = $pattern;
                object.format(format.map(SchemaFormat::KnownFormat)).pattern(pattern).into()
            }
        }

        impl ToSchema for $type {}
    };
}

text_schema!(Timestamp, "RFC 3339 in UTC, with milliseconds", Some(KnownFormat::DateTime), None);
text_schema!(Email, "An e-mail address, in lower case", Some(KnownFormat::Email), None);
text_schema!(Secret, "Shown once, or never", Some(KnownFormat::Password), None);
text_schema!(PhoneNumber, "E.164 with a plus sign", None, Some(r"^\+[1-9][0-9]{6,14}$"));
text_schema!(
    Jid,
    "WhatsApp's address of a person or group",
    None,
    Some(r"^[0-9-]+@(s\.whatsapp\.net|lid|g\.us)$")
);
text_schema!(ids::AccountId, "Id of an account", None, Some("^acc_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::TenantId, "Id of a tenant", None, Some("^ten_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::ApiKeyId, "Id of an API key", None, Some("^key_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::AuditId, "Id of an audit entry", None, Some("^aud_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::CommandId, "Id of a command", None, Some("^cmd_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::DeviceId, "Id of a device", None, Some("^dev_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::MessageId, "Id of a message", None, Some("^msg_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::SetAsideId, "Id of what was set aside", None, Some("^sas_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::WorkerId, "Id of a connector that runs", None, Some("^wrk_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::WebhookId, "Id of a webhook", None, Some("^whk_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(ids::DeliveryId, "Id of a delivery", None, Some("^dlv_[0-9A-HJKMNP-TV-Z]{26}$"));
text_schema!(
    EventPattern,
    "An event type like message.sent, a family like message.*, or * for all",
    None,
    Some(r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$")
);
text_schema!(ids::EventId, "Id of an event", None, Some("^evt_[0-9A-HJKMNP-TV-Z]{26}$"));
