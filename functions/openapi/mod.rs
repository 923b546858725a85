//! The API's description, OpenAPI 3.1, from the route tables: what handlers declare, and on top what holds
//! around them for every route of a kind.

mod page;
mod problems;
mod security;

use utoipa::openapi::{
    Components, Info, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Schema, Server,
    path::{Operation, PathItem, Paths},
    tag::TagBuilder,
};

use crate::{error::Problem, route::Route, surface::Surface};

pub use page::page;

/// Describes those of these routes that are of one API.
pub fn document(surface: &Surface, routes: &[Route]) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = Components::new();
    for route in routes.iter().filter(|route| surface.has(&route.path)) {
        let (schemas, mut documented, _) = route.describe();
        components.schemas.extend(schemas);
        for (name, scheme) in route.rule.places().map(security::scheme) {
            components.add_security_scheme(name, scheme);
        }
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
    components.schemas.values_mut().for_each(without_union_of_one);
    let mut info = Info::new("Kurir", env!("CARGO_PKG_VERSION"));
    info.description = Some("A multi-tenant WhatsApp gateway.".into());
    info.license = Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build());
    let mut server = Server::new("/");
    server.description = Some("The gateway that serves this description".into());
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([server]))
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

/// A union of one schema, of which there will be more, is that schema.
fn without_union_of_one(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(union)) = schema else { return };
    if let [only] = union.items.as_slice() {
        *schema = only.clone();
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// Adds what holds around every handler: credentials, and the problems that any route of its kind may answer.
fn complete(operation: &mut Operation, route: &Route) {
    operation.security = Some(security::requirements(route.rule));
    for (status, problem) in problems::problems(route, operation) {
        operation.responses.responses.entry(status).or_insert(problem.into());
    }
}
