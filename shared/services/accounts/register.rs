//! Registration: a stranger becomes a user.

use std::net::IpAddr;

use super::{Created, NewAccount, check_password, create, throttle};
use crate::{
    domain::{
        account::{Account, Email},
        plan,
        role::Role,
    },
    secret::Secret,
    services::{Context, Error, ErrorCode, Invalid},
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
    /// Where it comes from, when known.
    pub ip: Option<IpAddr>,
}

/// What came of a registration. The stranger is told no more than the address.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The address, in the form that is stored.
    pub email: Email,
    /// The account that was made; `None` when the address has one already.
    pub account: Option<Account>,
}

/// Makes an account with role `user`, unless the address has one: that takes as long and looks the same.
///
/// Fails with `registration_closed`, `validation_failed`, `rate_limited` after too many registrations from the same
/// network, or `busy`.
pub async fn register(ctx: &Context, input: Registration) -> Result<Registered, Error> {
    if !ctx.registration_open {
        return Err(Error::new(
            ErrorCode::RegistrationClosed,
            "registration is closed; ask the operator for an account",
        ));
    }
    let mut invalid = Invalid::default();
    let email =
        invalid.take(Email::parse(&input.email).ok_or("not an e-mail address"), "email", "email_invalid");
    check_password(&mut invalid, &input.password, "password");
    let name = invalid.text(&input.name, "name", 1, 100);
    let email = invalid.finish(email)?;
    let attempt = throttle::begin_registration(ctx, input.ip).await?;
    let plan = plan::DEFAULT.into();
    let new = NewAccount { email: email.clone(), password: input.password, name, role: Role::User, plan };
    let account = match create(ctx, new).await {
        Ok(Created::Done(row)) => Some(row.account),
        Ok(Created::EmailTaken) => None,
        Err(error) => {
            attempt.give_back(ctx).await?;
            return Err(error);
        }
    };
    attempt.count(ctx).await?;
    Ok(Registered { email, account })
}
