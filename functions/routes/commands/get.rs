//! `GET /v1/commands/{id}`

use axum::{Json, extract::State, http::Method};
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

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/commands/{id}", Access::Needs(Permission::ConnectDevices), handle)
}

/// A command as its owner sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    id: CommandId,
    device_id: DeviceId,
    status: CommandStatus,
    result: Option<Value>,
    error: Option<CommandFailure>,
    created_at: Timestamp,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<CommandId>,
) -> Result<Json<Body>, Problem> {
    let command = commands::get(&ctx, &caller, id).await?;
    Ok(Json(Body {
        id: command.id,
        device_id: command.device_id,
        status: command.status,
        result: command.result,
        error: command.error,
        created_at: command.created_at,
    }))
}
