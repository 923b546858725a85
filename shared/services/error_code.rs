//! The stable codes of failures. Programs tell failures apart by them, so that none may change its text.

use http::StatusCode;
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// The codes, by the HTTP status that goes with each; what a code means is what the API's description says of it.
macro_rules! error_codes {
    ($($status:ident { $(#[doc = $meaning:literal] $name:ident = $text:literal,)+ })+) => {
        /// Why something failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[doc = $meaning] $name,)+)+
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// The text of it in answers.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$name => $text,)+)+ }
            }

            /// The code of this text.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $($(Self::$name)|+ => StatusCode::$status,)+ }
            }

            /// What it means, as a sentence for people.
            pub fn meaning(self) -> &'static str {
                match self { $($(Self::$name => $meaning,)+)+ }.trim()
            }
        }
    };
}

error_codes! {
    BAD_REQUEST {
        /// The body is not JSON.
        BadJson = "bad_json",
    }
    UNAUTHORIZED {
        /// The credentials are missing, wrong, or no longer good.
        Unauthenticated = "unauthenticated",
    }
    FORBIDDEN {
        /// The role does not allow it.
        Forbidden = "forbidden",
        /// Strangers may not register.
        RegistrationClosed = "registration_closed",
        /// Requests from this address are not taken.
        AddressForbidden = "address_forbidden",
    }
    NOT_FOUND {
        /// It is not there, or another tenant's.
        NotFound = "not_found",
    }
    METHOD_NOT_ALLOWED {
        /// The path does not take this method.
        MethodNotAllowed = "method_not_allowed",
    }
    CONFLICT {
        /// Another account has this e-mail address.
        EmailTaken = "email_taken",
        /// The person is a member already.
        AlreadyMember = "already_member",
        /// The last active owner of a tenant stays.
        LastOwner = "last_owner",
        /// A tenant with an active administrator of the platform stays.
        HasAdministrator = "has_administrator",
        /// Another device has this foreign name.
        AliasTaken = "alias_taken",
        /// The last active administrator must stay.
        LastAdmin = "last_admin",
        /// It was changed at the same time; look again.
        ChangedMeanwhile = "changed_meanwhile",
        /// The idempotency key was used before with another request.
        IdempotencyKeyReused = "idempotency_key_reused",
        /// No QR code is shown now; connect the device, then ask again.
        QrNotReady = "qr_not_ready",
        /// The device is linked and connected.
        AlreadyConnected = "already_connected",
        /// WhatsApp gave no pairing code.
        PairingCodeRefused = "pairing_code_refused",
        /// The message is past `queued`.
        NotCancellable = "not_cancellable",
        /// The message has not failed, or is sent again already.
        NotFailed = "not_failed",
        /// The device was linked to another number before.
        NumberChange = "number_change",
        /// The device has another number now than the message was accepted for.
        DeviceRelinked = "device_relinked",
        /// The webhook is off.
        WebhookInactive = "webhook_inactive",
        /// The event is no longer kept.
        EventExpired = "event_expired",
        /// Another replay of the account is under way.
        ReplayUnderWay = "replay_under_way",
    }
    PAYLOAD_TOO_LARGE {
        /// The body is larger than 1 MiB.
        PayloadTooLarge = "payload_too_large",
    }
    UNPROCESSABLE_ENTITY {
        /// Fields are not valid; each is named.
        ValidationFailed = "validation_failed",
    }
    TOO_MANY_REQUESTS {
        /// A limit of the plan is reached.
        QuotaExceeded = "quota_exceeded",
        /// Too many API calls, attempts or streams.
        RateLimited = "rate_limited",
    }
    INTERNAL_SERVER_ERROR {
        /// A fault of Kurir's own.
        Internal = "internal",
    }
    SERVICE_UNAVAILABLE {
        /// A part of Kurir is busy or away.
        Unavailable = "unavailable",
        /// Too many log in or register at this moment.
        Busy = "busy",
        /// This deployment has to be mended first.
        Misconfigured = "misconfigured",
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::String);
        let object = object.description(Some("What a program tells failures apart by"));
        object.enum_values(Some(Self::ALL.iter().map(|code| code.as_str()))).into()
    }
}

impl ToSchema for ErrorCode {}
