//! The first administrator, without whom nobody could make another.

use super::{Home, NewMember, create, new_tenant};
use crate::{
    domain::{
        account::Email,
        ids::{AccountId, TenantId},
        plan,
        role::Role,
    },
    secret::Secret,
    services::{Context, Error, ErrorCode, Invalid},
    store::accounts,
};

/// What came of it.
#[derive(Debug, Clone)]
pub enum FirstAdmin {
    /// It was made now.
    Created(TenantId, AccountId),
    /// The address has an account already.
    Existing(TenantId, AccountId),
}

/// Makes an administrator, in a tenant of its own, with this address and password, unless the address has an account.
pub async fn ensure_admin(ctx: &Context, email: &str, password: Secret) -> Result<FirstAdmin, Error> {
    let invalid = |detail| Error::new(ErrorCode::ValidationFailed, detail);
    let email =
        Email::parse(email).ok_or_else(|| invalid("the administrator's e-mail address is not valid"))?;
    if let Some(row) = accounts::find_by_email(&ctx.db, &email).await? {
        return Ok(FirstAdmin::Existing(row.account.tenant_id, row.account.id));
    }
    if password.expose().chars().count() < 8 {
        return Err(invalid("the administrator's password needs at least 8 characters"));
    }
    let name = "Administrator".to_owned();
    let new = NewMember { email: email.to_string(), name: name.clone(), password: Some(password) };
    let admin = new.check(&mut Invalid::default(), "", Role::Admin);
    let admin = admin.ok_or_else(|| Error::internal("an invalid administrator was let through"))?;
    let tenant = new_tenant(ctx, name, plan::DEFAULT.into());
    let made = create(ctx, admin, Home::New(tenant)).await?.or_taken()?;
    Ok(FirstAdmin::Created(made.account.tenant_id, made.account.id))
}
