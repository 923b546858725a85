//! Registration: a stranger becomes the owner of a tenant.

use std::net::IpAddr;

use super::{
    Home, NewMember, counted_as_registration,
    create::{Created, create},
    new_tenant, of_person,
};
use crate::{
    domain::{account::Email, plan, role::Role},
    secret::Secret,
    services::{Context, Error, ErrorCode, Invalid, Scope},
    store::tenants::TenantRow,
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
    /// The account that was made, in its tenant; `None` when the address has one already.
    pub scope: Option<Scope>,
}

/// Makes a tenant with its owner, unless the address has one: that takes as long and looks the same.
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
    let Registration { email, password, name, ip } = input;
    let new = NewMember { email, name: name.clone(), password: Some(password) };
    let owner = new.check(&mut invalid, "", Role::Owner);
    let owner = invalid.finish(owner)?;
    let email = owner.email.clone();
    let tenant = new_tenant(ctx, name.trim().to_owned(), plan::DEFAULT.into());
    let created = counted_as_registration(ctx, ip, create(ctx, owner, Home::New(tenant.clone()))).await?;
    let scope = match created {
        Created::Done(made) => Some(of_person(ctx, &made.account, TenantRow::new(tenant))),
        Created::EmailTaken => None,
    };
    Ok(Registered { email, scope })
}
