//! Making an account: of a stranger who registers, of a member, of a tenant's first owner.

use std::time::Duration;

use super::{check_password, hash_password};
use crate::{
    crypto,
    domain::{
        account::{Account, Email},
        ids::{AccountId, TenantId},
        role::Role,
        tenant::{Tenant, TenantSettings},
    },
    secret::Secret,
    services::{Context, Error, ErrorCode, Invalid},
    store::{
        accounts::{self, AccountRow},
        tenants::TenantRow,
    },
};

/// How long an invitation may be accepted.
const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

const INVITE_PREFIX: &str = "kri_";

/// Somebody who is to have an account.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The e-mail address, which nobody else may have.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// The first password; without one the person is invited.
    pub password: Option<Secret>,
}

/// An account to be made, checked.
pub(in crate::services) struct Checked {
    pub email: Email,
    name: String,
    pub password: Option<Secret>,
    role: Role,
}

/// Where an account is to be.
pub(in crate::services) enum Home {
    /// In a tenant that is there.
    In(TenantId),
    /// In one that is made with it.
    New(Tenant),
}

/// An account that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The account.
    pub account: Account,
    /// By what the person accepts the invitation, when invited: in this answer and nowhere else.
    pub invite_token: Option<Secret>,
}

/// What came of making an account.
pub(in crate::services) enum Created {
    /// It exists now.
    Done(Made),
    /// Another account has the address.
    EmailTaken,
}

impl NewMember {
    /// Checks what is said of somebody who is to have a role; fields are named with `prefix` before them.
    pub(in crate::services) fn check(
        self,
        invalid: &mut Invalid,
        prefix: &str,
        role: Role,
    ) -> Option<Checked> {
        let field = |name: &str| format!("{prefix}{name}");
        let email = Email::parse(&self.email).ok_or("not an e-mail address");
        let email = invalid.take(email, &field("email"), "email_invalid");
        if let Some(password) = &self.password {
            check_password(invalid, password, &field("password"));
        }
        let name = invalid.text(&self.name, &field("name"), 1, 100);
        Some(Checked { email: email?, name, password: self.password, role })
    }
}

/// A tenant to be made.
pub(in crate::services) fn new_tenant(ctx: &Context, name: String, plan: String) -> Tenant {
    let now = ctx.now();
    let settings = TenantSettings::default();
    Tenant { id: TenantId::generate(now), name, plan, active: true, settings, created_at: now }
}

/// Stores a new account with its first password, or with an invitation.
pub(in crate::services) async fn create(ctx: &Context, new: Checked, home: Home) -> Result<Created, Error> {
    let now = ctx.now();
    let id = AccountId::generate(now);
    let password_hash = match new.password {
        Some(password) => Some(hash_password(ctx, password).await?),
        None => None,
    };
    let invite_token =
        password_hash.is_none().then(|| crypto::random_token(&format!("{INVITE_PREFIX}{id}.")));
    let (tenant_id, tenant) = match home {
        Home::In(tenant) => (tenant, None),
        Home::New(tenant) => (tenant.id, Some(TenantRow::new(tenant))),
    };
    let account = Account {
        id,
        tenant_id,
        email: new.email,
        name: new.name,
        role: new.role,
        active: true,
        invite_expires_at: invite_token.as_ref().map(|_| now + INVITATION_LIFETIME),
        created_at: now,
        last_login_at: None,
    };
    let invite_hash = invite_token.as_ref().map(|token| crypto::token_hash(token.expose()));
    let row = AccountRow { account, password_hash, generation: 0, invite_hash };
    match accounts::create(&ctx.db, &row, tenant).await? {
        accounts::Created::Done => Ok(Created::Done(Made { account: row.account, invite_token })),
        accounts::Created::EmailTaken => Ok(Created::EmailTaken),
        accounts::Created::Gone => Err(Error::not_found("tenant")),
    }
}

/// The account that an invitation says it is of.
pub(super) fn invited(token: &Secret) -> Option<AccountId> {
    token.expose().strip_prefix(INVITE_PREFIX)?.split_once('.')?.0.parse().ok()
}

impl Created {
    /// The account, for who may know that an address is taken.
    ///
    /// Fails with `email_taken`.
    pub(in crate::services) fn or_taken(self) -> Result<Made, Error> {
        match self {
            Self::Done(made) => Ok(made),
            Self::EmailTaken => Err(email_taken()),
        }
    }
}

pub(super) fn email_taken() -> Error {
    Error::new(ErrorCode::EmailTaken, "another account has this e-mail address")
}
