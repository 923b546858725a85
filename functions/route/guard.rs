//! What stands in front of every handler: who is asking, whether the route is for them, what a use counts as, and
//! what the audit log is told.

use std::net::IpAddr;

use axum::{
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::{
    domain::ids::TenantId,
    services::{Caller, Context, ErrorCode, authenticate},
};
use tracing::Instrument;

use super::{
    Access, Rule,
    audit::{Use, is_id},
    rate_limit::show_limits,
};
use crate::{
    error::Problem,
    middleware::{ClientIp, RequestName},
    surface::shown,
};

/// Names the tenant that an administrator acts in.
const TENANT: &str = "kurir-tenant";

/// Finds out who is asking and whether the route is for them, counts the use and writes it down. In a task of
/// its own: a client that hangs up stops none of that.
pub(super) async fn guard(
    State((ctx, rule)): State<(Context, Rule)>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(params) = params else { return Problem::not_found("resource").into_response() };
    let target = params.iter().last().map(|(_, value)| value.to_owned()).filter(|text| is_id(text));
    match tokio::spawn(guarded(ctx, rule, target, request, next).in_current_span()).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Problem::of(ErrorCode::Unavailable, "Kurir is stopping").into_response(),
        },
    }
}

async fn guarded(
    ctx: Context,
    rule: Rule,
    target: Option<String>,
    mut request: Request,
    next: Next,
) -> Response {
    let ip = request.extensions().get::<ClientIp>().and_then(|ip| ip.0);
    let request_id = request.extensions().get::<RequestName>().map(|name| name.0.clone()).unwrap_or_default();
    let (caller, mut response) = match admit(&ctx, rule, (request.headers(), request.uri()), ip).await {
        Ok(caller) => {
            if let Some(caller) = caller.clone() {
                request.extensions_mut().insert(caller);
            }
            let response = next.run(request).await;
            match count_afterwards(&ctx, rule, caller.as_ref(), response.status()).await {
                Ok(()) => (caller, response),
                Err(problem) => (caller, problem.into_response()),
            }
        }
        Err((caller, problem)) => (caller.map(|caller| *caller), problem.into_response()),
    };
    if let Some(caller) = &caller {
        show_limits(&ctx, &caller.allowance, response.headers_mut());
    }
    let used = Use { action: rule.action, target, ip, request_id };
    used.record(&ctx, caller.as_ref(), &mut response).await;
    response
}

/// Lets a caller in, or says why not; then with who it was, when that is known.
async fn admit(
    ctx: &Context,
    rule: Rule,
    (headers, uri): (&HeaderMap, &Uri),
    ip: Option<IpAddr>,
) -> Result<Option<Caller>, (Option<Box<Caller>>, Problem)> {
    let (credentials, permission) = match (shown(rule.places(), headers, uri), rule.access) {
        (None, Access::Public) => return Ok(None),
        (Some(credentials), Access::Public) => {
            return Ok(authenticate(ctx, &credentials, ip).await.ok());
        }
        (None, Access::Needs(_)) => {
            let places: Vec<_> = rule.places().map(|place| place.to_string()).collect();
            let detail = format!("send {}", places.join(" or "));
            return Err((None, Problem::of(ErrorCode::Unauthenticated, detail)));
        }
        (Some(credentials), Access::Needs(permission)) => (credentials, permission),
    };
    let home = authenticate(ctx, &credentials, ip).await.map_err(|error| (None, error.into()))?;
    let caller = match acting(ctx, home.clone(), headers).await {
        Ok(caller) => caller,
        Err(problem) => {
            let spent = home.allowance.spend(ctx, &[]).await;
            return Err((Some(Box::new(home)), spent.err().map_or(problem, Problem::from)));
        }
    };
    let refused = |error: shared::services::Error| (Some(Box::new(caller.clone())), Problem::from(error));
    // What is forbidden is an API call, too.
    let permitted = caller.require(permission);
    if permitted.is_err() {
        caller.allowance.spend(ctx, &[]).await.map_err(refused)?;
    } else if !rule.counts_itself {
        caller.allowance.spend(ctx, rule.meters).await.map_err(refused)?;
    }
    permitted.map_err(refused)?;
    Ok(Some(caller))
}

/// The caller in the tenant that the header `Kurir-Tenant` names, or in its own.
async fn acting(ctx: &Context, caller: Caller, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(named) = headers.get(TENANT) else { return Ok(caller) };
    let named = named.to_str().ok().and_then(|text| text.parse::<TenantId>().ok());
    let Some(tenant) = named else {
        return Err(Problem::invalid("Kurir-Tenant", "id_invalid", "not the id of a tenant, `ten_…`"));
    };
    Ok(caller.acting_in(ctx, tenant).await?)
}

/// A request that its use case refused before it counted is an API call all the same.
async fn count_afterwards(
    ctx: &Context,
    rule: Rule,
    caller: Option<&Caller>,
    status: StatusCode,
) -> Result<(), Problem> {
    match caller {
        Some(caller) if rule.counts_itself && !status.is_server_error() => {
            Ok(caller.allowance.spend(ctx, &[]).await?)
        }
        _ => Ok(()),
    }
}
