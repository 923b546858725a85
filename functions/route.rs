//! Route tables: each route declares who may use it, what it counts as, and what the audit log calls it. All
//! of that is enforced around its handler.

use std::net::IpAddr;

use axum::{
    Router,
    extract::{Query, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    handler::Handler,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use serde::Deserialize;
use shared::{
    domain::{api_key, audit::Outcome, ids::TenantId, permissions::Permission, plan::Meter},
    secret::Secret,
    services::{
        Allowance, Caller, Context, Credentials, Limit, Scope,
        audit::{self, Deed},
        authenticate,
    },
};

use tracing::Instrument;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{
    error::Problem,
    middleware::{self, ClientIp, RequestName},
};

/// Names the tenant that an administrator acts in.
const TENANT: &str = "kurir-tenant";

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
    /// What holds for it.
    pub rule: Rule,
    handler: MethodRouter<Context>,
    document: Option<fn() -> UtoipaMethodRouter<Context>>,
}

/// What holds for a route.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Who may use it.
    pub access: Access,
    /// What the audit log calls a use, as `<thing>.<verb>`; `None` for what is not logged.
    pub action: Option<&'static str>,
    /// What a use counts as, beside an API call.
    meters: &'static [Meter],
    /// Whether the use case counts the use, once it knows that the request is good.
    counts_itself: bool,
    /// Whether credentials may stand in the address, as `?token=`.
    token_in_address: bool,
}

impl Route {
    /// A route that only reads, or that nobody needs to account for.
    pub fn new<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Context>,
        T: 'static,
    {
        let filter =
            MethodFilter::try_from(method.clone()).expect("only standard methods are used in tables");
        let rule = Rule { access, action: None, meters: &[], counts_itself: false, token_in_address: false };
        Self { method, path, rule, handler: on(filter, handler), document: None }
    }

    /// The same, with each use in the audit log.
    #[must_use]
    pub fn audited(mut self, action: &'static str) -> Self {
        self.rule.action = Some(action);
        self
    }

    /// The same, with each use counted on these meters, too.
    #[must_use]
    pub fn metered(mut self, meters: &'static [Meter]) -> Self {
        self.rule.meters = meters;
        self
    }

    /// The same, but its use case counts the use.
    #[must_use]
    pub fn counting_itself(mut self) -> Self {
        self.rule.counts_itself = true;
        self
    }

    /// The same, taking an access token or an API key as `?token=`, too: for a browser's EventSource, which sends
    /// no headers of one's own.
    #[must_use]
    pub fn taking_token_in_address(mut self) -> Self {
        self.rule.token_in_address = true;
        self
    }
}

impl Route {
    /// The same, with what the API's description says of it: only asked for by who describes the API, since
    /// it takes time that a starting function has better uses for.
    #[must_use]
    pub fn documented(mut self, document: fn() -> UtoipaMethodRouter<Context>) -> Self {
        self.document = Some(document);
        self
    }

    /// What the API's description says of it.
    pub(crate) fn document(&self) -> Option<UtoipaMethodRouter<Context>> {
        self.document.map(|document| document())
    }
}

/// What a handler adds to the audit entry of its use, by an extension of its answer.
#[derive(Debug, Clone, Default)]
pub struct AuditNote {
    /// Who it was, when the route knows better than the credentials.
    pub scope: Option<Scope>,
    /// To what it was done.
    pub target: Option<String>,
    /// Why it was refused, when the answer does not say so.
    pub code: Option<&'static str>,
}

/// A router of route tables, with everything around it that every function has.
pub fn router(ctx: Context, routes: Vec<Route>) -> Router {
    around(&ctx, bare(ctx.clone(), routes))
}

/// A router of route tables alone, for one that puts more into it before it puts [`around`] around it.
pub fn bare(ctx: Context, routes: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in routes {
        let guard = from_fn_with_state((ctx.clone(), route.rule), guard);
        router = router.route(route.path, route.handler.route_layer(guard));
    }
    router
        .fallback(|| async { Problem::not_found("path") })
        .method_not_allowed_fallback(|| async {
            let detail = "this path does not take this method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .with_state(ctx)
}

/// Puts around a router what every router of a function has around it: request ids, problem bodies that
/// name them, an answer for panics, who may call at all, and headers for browsers.
pub fn around(ctx: &Context, router: Router) -> Router {
    middleware::around(router, ctx.http.clone())
}

/// Finds out who is asking and whether the route is for them, counts the use and writes it down. In a task of
/// its own: a client that hangs up stops none of that.
async fn guard(
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
            Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Kurir is stopping")
                .into_response(),
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
    let request_id = request.extensions().get::<RequestName>().map(|name| name.0.clone());
    let mut caller = None;
    let mut response = match admit(&ctx, rule, (request.headers(), request.uri()), ip).await {
        Ok(found) => {
            caller = found.clone();
            if let Some(found) = found {
                request.extensions_mut().insert(found);
            }
            let response = next.run(request).await;
            match count_afterwards(&ctx, rule, caller.as_ref(), response.status()).await {
                Ok(()) => response,
                Err(problem) => problem.into_response(),
            }
        }
        Err((found, problem)) => {
            caller = found.map(|found| *found).or(caller);
            problem.into_response()
        }
    };
    if let Some(caller) = &caller {
        show_limits(&ctx, &caller.allowance, response.headers_mut());
    }
    let note = response.extensions_mut().remove::<AuditNote>();
    let problem = response.extensions().get::<Problem>();
    // A limit that is reached leaves one entry in its span, whatever is refused for it.
    let action = match problem.and_then(Problem::limit) {
        Some(Limit { is_first: false, .. }) => None,
        Some(Limit { name: Some(_), .. }) => Some("limit.reached"),
        Some(Limit { name: None, .. }) | None => rule.action,
    };
    // Strangers leave an entry only where the route has something to say of them: they could fill the log.
    if let (Some(action), true) = (action, caller.is_some() || note.is_some()) {
        let limit = problem.and_then(|problem| problem.limit()?.name.clone());
        let note = note.unwrap_or_default();
        let deed = Deed {
            scope: note.scope.as_ref().or(caller.as_deref()),
            action,
            target: limit.or(note.target).or(target).or_else(|| made(&response)),
            ip,
            outcome: note.code.map_or_else(|| outcome(response.status()), |_| Outcome::Denied),
            code: note.code.or(problem.map(Problem::code)).map(str::to_owned),
            request_id: request_id.unwrap_or_default(),
        };
        audit::record(&ctx, deed).await;
    }
    response
}

/// Whether a text has the form of an id, so that nothing else gets into the audit log from a path.
fn is_id(text: &str) -> bool {
    text.split_once('_').is_some_and(|(kind, ulid)| {
        kind.len() == 3 && ulid.len() == 26 && ulid.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// Lets a caller in, or says why not; then with who it was, when that is known.
async fn admit(
    ctx: &Context,
    rule: Rule,
    (headers, uri): (&HeaderMap, &Uri),
    ip: Option<IpAddr>,
) -> Result<Option<Caller>, (Option<Box<Caller>>, Problem)> {
    let shown = credentials(headers, uri).or_else(|| token_of(uri).filter(|_| rule.token_in_address));
    let (credentials, permission) = match (shown, rule.access) {
        (None, Access::Public) => return Ok(None),
        (Some(credentials), Access::Public) => {
            return Ok(authenticate(ctx, &credentials, ip).await.ok());
        }
        (None, Access::Needs(_)) => {
            let detail = "send `Authorization: Bearer <access token>` or `X-API-Key: <key>`";
            return Err((None, Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)));
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
        return Err(Problem::invalid(
            "Kurir-Tenant",
            "id_invalid",
            "not the id of a tenant, `ten_…`".to_owned(),
        ));
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

/// Shows the limits that a request was counted against (draft-ietf-httpapi-ratelimit-headers).
fn show_limits(ctx: &Context, allowance: &Allowance, headers: &mut HeaderMap) {
    let (mut policies, mut limits) = (Vec::new(), Vec::new());
    let now = ctx.now();
    for standing in allowance.standings() {
        let (name, rate) = (standing.name(), standing.rate);
        let left = rate.limit.saturating_sub(standing.used);
        // Rounded up, so that a client that waits so long finds the limit reset.
        let reset = rate.per.end(now).since(now).as_millis().div_ceil(1000);
        policies.push(format!("\"{name}\";q={};w={}", rate.limit, rate.per.length(now).as_secs()));
        limits.push(format!("\"{name}\";r={left};t={reset}"));
    }
    for (name, parts) in [("ratelimit-policy", policies), ("ratelimit", limits)] {
        if let (false, Ok(value)) = (parts.is_empty(), HeaderValue::from_str(&parts.join(", "))) {
            headers.insert(name, value);
        }
    }
}

fn outcome(status: StatusCode) -> Outcome {
    match status.as_u16() {
        0..400 => Outcome::Success,
        400..500 => Outcome::Denied,
        _ => Outcome::Failed,
    }
}

/// The id of what was made, from where the answer says it is.
fn made(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    location.rsplit('/').next().filter(|text| is_id(text)).map(str::to_owned)
}

/// What a request shows of itself. The older gateways' paths, which are all those outside `/v1`, also take an
/// API key as `?api_key=`; the native API does not, since addresses end up in logs.
fn credentials(headers: &HeaderMap, uri: &Uri) -> Option<Credentials> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(key) = text("x-api-key") {
        return Some(Credentials::ApiKey(Secret::new(key)));
    }
    if let Some((scheme, token)) =
        text(header::AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '))
    {
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        return bearer.then(|| Credentials::AccessToken(Secret::new(token.trim())));
    }
    if uri.path().starts_with("/v1/") {
        return None;
    }
    let Query(ApiKeyQuery { api_key }) = Query::try_from_uri(uri).ok()?;
    api_key.map(Credentials::ApiKey)
}

/// An access token or an API key in the address.
fn token_of(uri: &Uri) -> Option<Credentials> {
    #[derive(Deserialize)]
    struct TokenQuery {
        token: Option<Secret>,
    }
    let Query(TokenQuery { token }) = Query::try_from_uri(uri).ok()?;
    token.map(|token| match token.expose().starts_with(api_key::PREFIX) {
        true => Credentials::ApiKey(token),
        false => Credentials::AccessToken(token),
    })
}

#[derive(Deserialize)]
struct ApiKeyQuery {
    api_key: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(uri: &str) -> Option<String> {
        match credentials(&HeaderMap::new(), &uri.parse().unwrap()) {
            Some(Credentials::ApiKey(key)) => Some(key.expose().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_key_in_the_address_is_taken_on_the_older_gateways_paths_only() {
        assert_eq!(key_of("/api/send?api_key=kur_a%2Db&x=1").as_deref(), Some("kur_a-b"));
        assert_eq!(key_of("/api/send?x=1"), None);
        assert_eq!(key_of("/v1/me?api_key=kur_ab"), None);
    }

    #[test]
    fn a_token_in_the_address_is_an_access_token_or_a_key() {
        let of = |uri: &str| token_of(&uri.parse().unwrap());
        assert!(
            matches!(of("/v1/events?token=kur_a"), Some(Credentials::ApiKey(key)) if key.expose() == "kur_a")
        );
        assert!(matches!(of("/v1/events?types=x&token=ey.a"), Some(Credentials::AccessToken(_))));
        assert!(of("/v1/events?types=x").is_none());
    }

    #[test]
    fn a_header_goes_before_the_address_and_other_schemes_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert!(credentials(&headers, &"/api?api_key=kur_x".parse().unwrap()).is_none());
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  abc "));
        let found = credentials(&headers, &"/v1/me".parse().unwrap());
        assert!(matches!(found, Some(Credentials::AccessToken(token)) if token.expose() == "abc"));
    }
}
