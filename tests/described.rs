//! The API's description, as tests walk it.

use std::sync::OnceLock;

use functions::{openapi, route::Route, routes, surface::V1};
use serde_json::Value;

/// The description of the API.
pub fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| serde_json::to_value(openapi::document(&V1, &routes::all())).expect("JSON"))
}

/// What the description says of a route.
pub fn operation(route: &Route) -> &'static Value {
    &description()["paths"][&route.path][route.method.as_str().to_lowercase()]
}

/// A route's path with values for its variable parts, each by what its ids begin with, like `dev_`; that is empty for
/// what is no id.
pub fn filled(route: &Route, value: impl Fn(&str) -> String) -> String {
    let all = operation(route)["parameters"].as_array().into_iter().flatten();
    let parts = all.filter(|parameter| parameter["in"] == "path");
    parts.fold(route.path.clone(), |path, part| {
        let name = part["name"].as_str().expect("a name");
        path.replace(&format!("{{{name}}}"), &value(prefix(&part["schema"])))
    })
}

/// The body that the description gives as an example for a route; nothing for a route without body.
pub fn example(route: &Route) -> Option<&'static Value> {
    let body = operation(route)["requestBody"].as_object()?;
    let schema = &body["content"]["application/json"]["schema"];
    // One that may be left out is this or null.
    let forms = schema["oneOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
    let example = forms.iter().map(|form| &named(form)["example"]).find(|example| !example.is_null());
    Some(example.unwrap_or_else(|| panic!("{} {} has no example", route.method, route.path)))
}

/// What a reference stands for.
fn named(reference: &Value) -> &'static Value {
    let name = reference["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    &description()["components"]["schemas"][name]
}

fn prefix(schema: &Value) -> &str {
    let pattern = named(schema)["pattern"].as_str().unwrap_or_default();
    pattern.trim_start_matches('^').split('[').next().unwrap_or_default()
}

/// Whether an operation says that it may answer with a status and a code. What is none says nothing.
pub(crate) fn is_declared(method: &str, path: &str, status: u16, code: &str) -> bool {
    let fits = |template: &str| {
        let (parts, given) = (template.split('/'), path.split('/'));
        parts.clone().count() == given.clone().count()
            && parts.zip(given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let paths = description()["paths"].as_object().into_iter().flatten();
    let mut operations = paths
        .filter(|(template, _)| fits(template))
        .filter_map(|(_, operations)| operations.get(method.to_lowercase()))
        .peekable();
    operations.peek().is_none()
        || operations.any(|operation| {
            let told = &operation["responses"][status.to_string()]["content"]["application/problem+json"];
            let codes = told["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array();
            codes.is_some_and(|codes| codes.iter().any(|one| one == code))
        })
}
