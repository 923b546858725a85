//! Routers of route tables.

use axum::{Router, middleware::from_fn_with_state};
use shared::services::{Context, ErrorCode};

use super::{Route, guard::guard};
use crate::{error::Problem, middleware};

/// A router of route tables, with everything around it that every function has.
pub fn router(ctx: Context, routes: Vec<Route>) -> Router {
    around(&ctx, bare(ctx.clone(), routes))
}

/// A router of route tables alone, for one that puts more into it before it puts [`around`] around it.
pub fn bare(ctx: Context, routes: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in routes {
        let guard = from_fn_with_state((ctx.clone(), route.rule), guard);
        router = router.route(&route.path, route.handler.route_layer(guard));
    }
    router
        .fallback(|| async { Problem::not_found("path") })
        .method_not_allowed_fallback(|| async {
            let detail = "this path does not take this method";
            Problem::of(ErrorCode::MethodNotAllowed, detail)
        })
        .with_state(ctx)
}

/// Puts around a router what every router of a function has around it: request ids, problem bodies that
/// name them, an answer for panics, who may call at all, and headers for browsers.
pub fn around(ctx: &Context, router: Router) -> Router {
    middleware::around(router, ctx.http.clone())
}
