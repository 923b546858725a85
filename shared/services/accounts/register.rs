//! Registration: a stranger becomes a user.

use super::{NewAccount, Session, begin, check_password, create};
use crate::{
    domain::{account::Email, plan, role::Role},
    secret::Secret,
    services::{Category, Context, Error, Invalid},
};

/// What a stranger says of itself.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its e-mail address, which nobody else may have.
    pub email: String,
    /// The password that it chooses.
    pub password: Secret,
    /// What it is called.
    pub name: String,
}

/// Makes an account with role `user` and logs it in.
///
/// Fails with `registration_closed`, `validation_failed` or `email_taken`.
pub async fn register(ctx: &Context, input: Registration) -> Result<Session, Error> {
    if !ctx.registration_open {
        return Err(Error::new(
            Category::Forbidden,
            "registration_closed",
            "registration is closed; ask the operator for an account",
        ));
    }
    let mut invalid = Invalid::default();
    let email =
        invalid.take(Email::parse(&input.email).ok_or("not an e-mail address"), "email", "email_invalid");
    check_password(&mut invalid, &input.password, "password");
    let name = invalid.text(&input.name, "name", 1, 100);
    invalid.check()?;
    let Some(email) = email else { return Err(Error::internal("an invalid e-mail address was let through")) };
    let plan = plan::DEFAULT.into();
    let new = NewAccount { email, password: input.password, name, role: Role::User, plan };
    begin(ctx, create(ctx, new).await?).await
}
