//! `/v1/auth`: registration, login, tokens.

pub(super) mod accept_invitation;
pub(super) mod login;
pub(super) mod logout;
pub(super) mod logout_all;
pub(super) mod refresh;
pub(super) mod register;

use serde::Serialize;
use shared::{
    domain::account::Account,
    secret::Secret,
    services::accounts::{ACCESS_TOKEN_LIFETIME, Session},
};
use utoipa::ToSchema;

/// An account and its tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    account: Account,
    access_token: Secret,
    refresh_token: Secret,
    expires_in_seconds: u64,
}

impl From<Session> for SessionBody {
    fn from(session: Session) -> Self {
        Self {
            account: session.account,
            access_token: session.access_token,
            refresh_token: session.refresh_token,
            expires_in_seconds: ACCESS_TOKEN_LIFETIME.as_secs(),
        }
    }
}
