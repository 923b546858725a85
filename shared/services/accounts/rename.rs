//! Changing one's name.

use crate::{
    domain::account::Account,
    services::{Caller, Context, Error, Invalid},
    store::accounts,
};

/// Gives the caller's account another name.
pub async fn rename(ctx: &Context, caller: &Caller, name: &str) -> Result<Account, Error> {
    let mut invalid = Invalid::default();
    let name = invalid.text(name, "name", 1, 100);
    invalid.check()?;
    accounts::rename(&ctx.db, caller.account.id, &name).await?;
    Ok(Account { name, ..caller.account.clone() })
}
