//! Route tables: each route declares who may use it, and that is enforced before its handler runs.

use axum::{
    Router,
    extract::{Request, State},
    handler::Handler,
    http::{HeaderMap, Method, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use shared::{
    domain::permissions::Permission,
    secret::Secret,
    services::{Caller, Context, Credentials, authenticate},
};

use crate::{error::Problem, middleware};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody. A caller with credentials is known all the same.
    Public,
    /// Callers whose role has this permission.
    Needs(Permission),
}

/// One route: method and path, who may use it, and what it does.
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, with `{names}` for its variable parts.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: MethodRouter<Context>,
}

impl Route {
    /// A route.
    pub fn new<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Context>,
        T: 'static,
    {
        let filter =
            MethodFilter::try_from(method.clone()).expect("only standard methods are used in tables");
        Self { method, path, access, handler: on(filter, handler) }
    }
}

/// A router of route tables, with everything around it that every function has.
pub fn router(ctx: Context, routes: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in routes {
        let guard = from_fn_with_state((ctx.clone(), route.access), authorize);
        router = router.route(route.path, route.handler.route_layer(guard));
    }
    middleware::around(
        router
            .fallback(|| async { Problem::not_found("path") })
            .method_not_allowed_fallback(|| async {
                let detail = "this path does not take this method";
                Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
            })
            .with_state(ctx),
    )
}

/// Puts around a router what every router of a function has around it: request ids, problem bodies that
/// name them, and an answer for panics.
pub fn around(router: Router) -> Router {
    middleware::around(router)
}

/// Finds out who is asking and whether the route is for them; the handler takes the caller from the
/// request.
async fn authorize(
    State((ctx, access)): State<(Context, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    match (credentials(request.headers()), access) {
        (Some(credentials), Access::Needs(permission)) => {
            let caller = authenticate(&ctx, &credentials).await?;
            caller.require(permission)?;
            request.extensions_mut().insert(caller);
        }
        (None, Access::Needs(_)) => {
            let detail = "send `Authorization: Bearer <access token>` or `X-API-Key: <key>`";
            return Err(Problem::new(http::StatusCode::UNAUTHORIZED, "unauthenticated", detail));
        }
        (Some(credentials), Access::Public) => {
            if let Ok(caller) = authenticate(&ctx, &credentials).await {
                request.extensions_mut().insert::<Caller>(caller);
            }
        }
        (None, Access::Public) => {}
    }
    Ok(next.run(request).await)
}

fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(key) = text("x-api-key") {
        return Some(Credentials::ApiKey(Secret::new(key)));
    }
    let (scheme, token) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Credentials::AccessToken(Secret::new(token.trim())))
}
