//! The API's description, OpenAPI 3.1, from the route tables: what handlers declare, and on top what holds
//! around them for every route of a kind.

mod page;

use axum::http::Method;
use utoipa::openapi::{
    Components, Info, License, OpenApi, OpenApiBuilder, Ref, Response, ResponseBuilder,
    content::ContentBuilder,
    path::{Operation, PathItem, Paths},
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};

use crate::{
    error::Problem,
    route::{Access, Route},
};

pub use page::page;

/// Describes these routes.
pub fn document(routes: &[Route]) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = Components::new();
    for route in routes {
        let Some((schemas, mut documented, _)) = route.document() else { continue };
        components.schemas.extend(schemas);
        for item in documented.paths.values_mut() {
            for operation in operations(item) {
                complete(operation, route);
            }
        }
        for (path, item) in documented.paths {
            paths.paths.entry(path).or_default().merge_operations(item);
        }
    }
    let mut problem_schemas = Vec::new();
    <Problem as utoipa::ToSchema>::schemas(&mut problem_schemas);
    components.schemas.extend(problem_schemas);
    components.schemas.insert("Problem".into(), <Problem as utoipa::PartialSchema>::schema());
    components.add_security_scheme("accessToken", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let header = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
    components.add_security_scheme("apiKey", SecurityScheme::ApiKey(header));
    let mut info = Info::new("Kurir", env!("CARGO_PKG_VERSION"));
    info.description = Some("A multi-tenant WhatsApp gateway.".into());
    info.license = Some(License::new("MIT"));
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .tags(Some([
            tag("accounts", "The caller's account, its API keys, limits and doings"),
            tag("tenants", "The caller's tenant and its members"),
            tag("administration", "Across tenants, for the platform's administrators"),
            tag("devices", "Linked WhatsApp accounts"),
            tag("messages", "Messages and chats"),
            tag("events", "What happens, as it happens and as a list"),
            tag("webhooks", "Where events are sent to"),
            tag("operations", "The deployment itself"),
        ]))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// Adds what holds around every handler: credentials, and the problems that any route of its kind may answer.
fn complete(operation: &mut Operation, route: &Route) {
    operation.operation_id = Some(operation_id(route));
    if matches!(route.rule.access, Access::Needs(_)) {
        let schemes = ["accessToken", "apiKey"];
        let requirements = schemes.map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
        operation.security = Some(requirements.into());
    }
    for (status, when) in problems(operation, route) {
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| problem(when).into());
    }
}

/// `POST /v1/devices/{id}/pairing-code` is `postDevicesIdPairingCode`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '-', '{', '}']).filter(|word| !word.is_empty() && *word != "v1");
    let mut id = route.method.as_str().to_lowercase();
    for word in words {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

fn problems(operation: &Operation, route: &Route) -> Vec<(u16, &'static str)> {
    let protected = matches!(route.rule.access, Access::Needs(_));
    let door = route.path.starts_with("/v1/auth/");
    let has_body = operation.request_body.is_some();
    let has_input = operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
    let changes = route.method != Method::GET;
    let qr = route.path.ends_with("/qr");
    [
        (has_body, 400, "The body is not JSON."),
        (protected || door, 401, "The credentials are missing, wrong, or no longer good."),
        (true, 403, "The role does not allow it, or the address is not let in."),
        (route.path.contains('{'), 404, "It is not there, or another tenant's."),
        (changes || qr, 409, "It does not go with the present state."),
        (has_body, 413, "The body is too large."),
        (has_body || has_input, 422, "Fields are not valid; each is named."),
        (protected || door, 429, "A limit is reached; see `Retry-After`."),
        (true, 503, "A part of Kurir is busy or away; see `Retry-After`."),
    ]
    .into_iter()
    .filter_map(|(applies, status, when)| applies.then_some((status, when)))
    .collect()
}

fn problem(when: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(when).content("application/problem+json", content).build()
}
