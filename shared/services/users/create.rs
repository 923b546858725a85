//! Making an account for somebody.

use super::check_plan;
use crate::{
    domain::{account::Account, account::Email, plan, role::Role},
    secret::Secret,
    services::{Context, Error, Invalid, accounts},
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The e-mail address, which nobody else may have.
    pub email: String,
    /// The first password.
    pub password: Secret,
    /// What the person is called.
    pub name: String,
    /// What it is trusted with; `user` when not given.
    pub role: Option<Role>,
    /// Its plan; the default one when not given.
    pub plan: Option<String>,
}

/// Makes an account. Works while registration is closed, too.
pub async fn create(ctx: &Context, input: NewUser) -> Result<Account, Error> {
    let mut invalid = Invalid::default();
    let plan = input.plan.unwrap_or_else(|| plan::DEFAULT.into());
    check_plan(&mut invalid, &ctx.plans, &plan);
    let email =
        invalid.take(Email::parse(&input.email).ok_or("not an e-mail address"), "email", "email_invalid");
    accounts::check_password(&mut invalid, &input.password, "password");
    let name = invalid.text(&input.name, "name", 1, 100);
    let email = invalid.finish(email)?;
    let role = input.role.unwrap_or(Role::User);
    let new = accounts::NewAccount { email, password: input.password, name, role, plan };
    accounts::create(ctx, new).await?.or_taken()
}
