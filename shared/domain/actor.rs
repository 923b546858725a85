//! Who is asking.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{AccountId, ApiKeyId, AutoReplyId, JobId, ScheduleId};

/// Who is asking, and by what it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person who logged in.
    Person(AccountId),
    /// A program, with an API key of somebody's.
    ApiKey {
        /// Whose key it is.
        owner: AccountId,
        /// The key.
        key: ApiKeyId,
    },
    /// A platform's administrator in a tenant that is not its own.
    Administrator {
        /// The administrator.
        account: AccountId,
        /// The API key, when it asks with one.
        key: Option<ApiKeyId>,
    },
    /// A job that sends to many.
    Job(JobId),
    /// A schedule whose time has come.
    Schedule(ScheduleId),
    /// An auto-reply to what has arrived.
    AutoReply(AutoReplyId),
    /// Kurir itself.
    System,
}

/// What kind of actor somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ActorKind {
    /// A person who logged in.
    Person,
    /// A program with an API key.
    ApiKey,
    /// A platform's administrator in a tenant that is not its own.
    Administrator,
    /// A job.
    Job,
    /// A schedule.
    Schedule,
    /// An auto-reply.
    AutoReply,
    /// Kurir itself.
    System,
}

impl Actor {
    /// What kind it is.
    pub fn kind(self) -> ActorKind {
        match self {
            Self::Person(_) => ActorKind::Person,
            Self::ApiKey { .. } => ActorKind::ApiKey,
            Self::Administrator { .. } => ActorKind::Administrator,
            Self::Job(_) => ActorKind::Job,
            Self::Schedule(_) => ActorKind::Schedule,
            Self::AutoReply(_) => ActorKind::AutoReply,
            Self::System => ActorKind::System,
        }
    }

    /// Its id: of an API key that of its owner's account.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Person(id) | Self::ApiKey { owner: id, .. } | Self::Administrator { account: id, .. } => {
                Some(id.to_string())
            }
            Self::Job(id) => Some(id.to_string()),
            Self::Schedule(id) => Some(id.to_string()),
            Self::AutoReply(id) => Some(id.to_string()),
            Self::System => None,
        }
    }

    /// The API key that it asks with.
    pub fn api_key(self) -> Option<ApiKeyId> {
        match self {
            Self::ApiKey { key, .. } => Some(key),
            Self::Administrator { key, .. } => key,
            _ => None,
        }
    }
}
