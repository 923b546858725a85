//! The first administrator, without whom nobody could make another.

use super::{NewAccount, create};
use crate::{
    domain::{account::Account, account::Email, plan, role::Role},
    secret::Secret,
    services::{Context, Error, ErrorCode},
    store::accounts,
};

/// What came of it.
#[derive(Debug, Clone)]
pub enum FirstAdmin {
    /// It was made now.
    Created(Account),
    /// The address has an account already.
    Existing(Account),
}

/// Makes an administrator with this address and password, unless the address has an account.
pub async fn ensure_admin(ctx: &Context, email: &str, password: Secret) -> Result<FirstAdmin, Error> {
    let invalid = |detail| Error::new(ErrorCode::ValidationFailed, detail);
    let email =
        Email::parse(email).ok_or_else(|| invalid("the administrator's e-mail address is not valid"))?;
    if let Some(row) = accounts::find_by_email(&ctx.db, &email).await? {
        return Ok(FirstAdmin::Existing(row.account));
    }
    if password.expose().chars().count() < 8 {
        return Err(invalid("the administrator's password needs at least 8 characters"));
    }
    let (name, plan) = ("Administrator".into(), plan::DEFAULT.into());
    let made = create(ctx, NewAccount { email, password, name, role: Role::Admin, plan }).await?;
    Ok(FirstAdmin::Created(made.or_taken()?))
}
