//! The API's description, as tests walk it.

use std::sync::OnceLock;

use functions::{openapi, route::Route, routes};
use serde_json::Value;

/// The description of the API.
pub fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| serde_json::to_value(openapi::document(&routes::all())).expect("JSON"))
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

fn prefix(schema: &Value) -> &str {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let pattern = description()["components"]["schemas"][name]["pattern"].as_str().unwrap_or_default();
    pattern.trim_start_matches('^').split('[').next().unwrap_or_default()
}
