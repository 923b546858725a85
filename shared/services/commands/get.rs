//! Asking again for a command's answer.

use crate::{
    domain::{command::Command, ids::CommandId},
    services::{Context, Error, Scope},
    store::commands,
};

/// One of the caller's commands, with its answer if there is one. Rows live an hour.
pub async fn get(ctx: &Context, scope: &Scope, id: CommandId) -> Result<Command, Error> {
    let command = commands::get(&ctx.db, scope.tenant(), id).await?;
    command.filter(|command| scope.sees(command.device_id)).ok_or_else(|| Error::not_found("command"))
}
