//! Accepting an invitation: somebody who was invited becomes a member.

use std::net::IpAddr;

use super::{
    Session, begin, check_password, counted_as_registration,
    create::{email_taken, invited},
    hash_password,
};
use crate::{
    crypto,
    secret::Secret,
    services::{Context, Error, Invalid},
    store::{
        accounts::{self, AccountRow, Created},
        tenants::{self, TenantRow},
    },
};

/// What somebody who was invited shows and chooses.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The token of the invitation.
    pub invite_token: Secret,
    /// What the person is called.
    pub name: String,
    /// The password that it chooses.
    pub password: Secret,
    /// Where it comes from, when known.
    pub ip: Option<IpAddr>,
}

/// Accepts an invitation, once, and logs in.
///
/// Fails with `validation_failed`, with `unauthenticated` for what is no invitation, or none any more, with
/// `email_taken` when the address has an account meanwhile, and with `rate_limited` as a registration does.
pub async fn accept_invitation(ctx: &Context, input: Acceptance) -> Result<Session, Error> {
    let mut invalid = Invalid::default();
    check_password(&mut invalid, &input.password, "password");
    let name = invalid.text(&input.name, "name", 1, 100);
    invalid.check()?;
    let (row, tenant) = find(ctx, &input.invite_token).await?.ok_or_else(refused)?;
    let accepting = async {
        let hash = hash_password(ctx, input.password).await?;
        Ok((accounts::accept(&ctx.db, &row, &name, &hash).await?, hash))
    };
    let (accepted, hash) = counted_as_registration(ctx, input.ip, accepting).await?;
    match accepted {
        Created::Done => {}
        Created::EmailTaken => return Err(email_taken()),
        Created::Gone => return Err(refused()),
    }
    let mut row = AccountRow { password_hash: Some(hash), invite_hash: None, ..row };
    (row.account.name, row.account.invite_expires_at) = (name, None);
    begin(ctx, row, tenant).await
}

/// The account that is invited by a token, and its tenant, as long as the invitation holds.
async fn find(ctx: &Context, token: &Secret) -> Result<Option<(AccountRow, TenantRow)>, Error> {
    let Some(id) = invited(token) else { return Ok(None) };
    let hash = crypto::token_hash(token.expose());
    let now = ctx.now();
    let holds = |row: &AccountRow| {
        row.account.active
            && row.invite_hash.as_ref() == Some(&hash)
            && row.account.invite_expires_at.is_some_and(|end| end > now)
    };
    let Some(row) = accounts::get(&ctx.db, id).await?.filter(holds) else { return Ok(None) };
    let tenant = tenants::get(&ctx.db, row.account.tenant_id).await?.filter(|row| row.tenant.active);
    Ok(tenant.map(|tenant| (row, tenant)))
}

fn refused() -> Error {
    Error::unauthenticated("the invitation is not valid, was accepted before, or has expired")
}
