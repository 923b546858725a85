//! `/v1/members`: the members of the caller's tenant.

pub(super) mod change;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;

use serde::Serialize;
use shared::{domain::account::Account, secret::Secret, services::accounts::Made};
use utoipa::ToSchema;

/// A member; with an invitation in the answer that made it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberBody {
    #[serde(flatten)]
    account: Account,
    /// By what the invitation is accepted, once, until `inviteExpiresAt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_token: Option<Secret>,
    /// Where the person accepts it. The token is behind the `#`, which browsers send nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_link: Option<Secret>,
}

impl From<Made> for MemberBody {
    fn from(made: Made) -> Self {
        let link = |token: &Secret| Secret::new(format!("/dashboard/accept-invitation#{}", token.expose()));
        let invite_link = made.invite_token.as_ref().map(link);
        Self { account: made.account, invite_token: made.invite_token, invite_link }
    }
}
