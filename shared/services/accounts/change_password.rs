//! Changing one's password.

use super::{check_password, hash_password, password_error, throttle};
use crate::{
    secret::Secret,
    services::{Caller, Context, Error, Invalid},
    store::accounts,
};

/// The password of now and the one from now on.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// The password of now, as proof.
    pub current: Secret,
    /// The one from now on.
    pub new: Secret,
}

/// Changes the caller's password.
///
/// Fails with `validation_failed` when the current one is wrong or the new one too short, and with
/// `rate_limited` after too many wrong ones.
pub async fn change_password(ctx: &Context, caller: &Caller, input: PasswordChange) -> Result<(), Error> {
    let row = accounts::get(&ctx.db, caller.account.id).await?.ok_or_else(|| Error::not_found("account"))?;
    let attempt = throttle::begin_password_change(ctx, caller.account.id).await?;
    let matches = match ctx.passwords.verify(input.current, row.password_hash).await {
        Ok(matches) => matches,
        Err(error) => {
            attempt.give_back(ctx).await?;
            return Err(password_error(error));
        }
    };
    match matches {
        true => attempt.give_back(ctx).await?,
        false => attempt.count(ctx).await?,
    }
    let mut invalid = Invalid::default();
    invalid.unless(matches, "currentPassword", "password_wrong", "this is not the current password");
    check_password(&mut invalid, &input.new, "newPassword");
    invalid.check()?;
    let hash = hash_password(ctx, input.new).await?;
    accounts::set_password_hash(&ctx.db, caller.account.id, &hash).await?;
    Ok(())
}
