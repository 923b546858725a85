//! `GET /v1/commands/{id}`

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value;
use shared::{
    clock::Timestamp,
    domain::{
        command::{CommandFailure, CommandStatus},
        ids::{CommandId, DeviceId},
        permissions::Permission,
    },
    services::{Context, commands},
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices))
}

/// A command as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CommandBody {
    id: CommandId,
    device_id: DeviceId,
    status: CommandStatus,
    result: Option<Value>,
    error: Option<CommandFailure>,
    created_at: Timestamp,
}

/// The answer to an asynchronous question, for an hour.
#[utoipa::path(
    get,
    path = "/v1/commands/{id}",
    operation_id = "getCommand",
    tag = "devices",
    params(("id" = CommandId, Path)),
    responses((status = 200, description = "The command.", body = CommandBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<CommandId>,
) -> Result<Json<CommandBody>, Problem> {
    let command = commands::get(&ctx, &caller, id).await?;
    Ok(Json(CommandBody {
        id: command.id,
        device_id: command.device_id,
        status: command.status,
        result: command.result,
        error: command.error,
        created_at: command.created_at,
    }))
}
