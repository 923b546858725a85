//! Exchanging a refresh token for new tokens.

use super::{Session, of_person};
use crate::{
    crypto,
    domain::ids::TokenFamilyId,
    secret::Secret,
    services::{Context, Error},
    store::{
        accounts::{self, AccountRow},
        refresh_tokens::{self, Rotation},
        tenants::{self, TenantRow},
    },
};

const PREFIX: &str = "krt_";

/// A new token of a family: the family's id and a random part.
pub(super) fn new_token(family: TokenFamilyId) -> Secret {
    crypto::random_token(&format!("{PREFIX}{family}."))
}

/// The family that a token says it is of.
pub(super) fn family_of(token: &Secret) -> Option<TokenFamilyId> {
    token.expose().strip_prefix(PREFIX)?.split_once('.')?.0.parse().ok()
}

/// Exchanges a refresh token: the old one stops working. A token that was used before ends its whole
/// family, since then either the owner or a thief holds the newer one, and nobody can tell which.
pub async fn refresh(ctx: &Context, token: &Secret) -> Result<Session, Error> {
    let refused =
        || Error::unauthenticated("the refresh token is not valid, was used before, or has expired");
    let family = family_of(token).ok_or_else(refused)?;
    let next = new_token(family);
    let (old_hash, next_hash) = (crypto::token_hash(token.expose()), crypto::token_hash(next.expose()));
    let now = ctx.now();
    let rotation = refresh_tokens::rotate(&ctx.db, family, &old_hash, &next_hash, now).await?;
    let (account, generation) = match rotation {
        Rotation::Done(account, generation) => (account, generation),
        Rotation::Reused => {
            tracing::warn!(%family, "a refresh token was used twice; its family is revoked");
            end(ctx, family).await?;
            return Err(refused());
        }
        Rotation::Unknown => return Err(refused()),
    };
    let row = accounts::get(&ctx.db, account).await?;
    let tenant = match &row {
        Some(row) => tenants::get(&ctx.db, row.account.tenant_id).await?,
        None => None,
    };
    let works = |(row, tenant): &(AccountRow, TenantRow)| {
        row.account.active && tenant.tenant.active && row.generation_in(tenant) == generation
    };
    let Some((row, tenant)) = row.zip(tenant).filter(works) else {
        end(ctx, family).await?;
        return Err(refused());
    };
    let access_token = ctx.tokens.issue(&row.account, generation, family, now)?;
    let scope = of_person(ctx, &row.account, tenant);
    Ok(Session { account: row.account, scope, access_token, refresh_token: next })
}

/// Ends a family with its access tokens.
async fn end(ctx: &Context, family: TokenFamilyId) -> Result<(), Error> {
    refresh_tokens::delete(&ctx.db, family).await?;
    ctx.families.forget(family);
    Ok(())
}
