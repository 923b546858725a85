//! The description as a page: without scripts, so that it works offline and under the strictest policy.

use std::fmt::Write;

use serde_json::Value;
use utoipa::openapi::OpenApi;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1b1f24;background:#fff}h2{margin-top:2.5rem}details{border:1px solid #d0d7de;border-radius:6px;\
margin:.5rem 0;padding:.5rem .8rem}summary{cursor:pointer}code,pre{font:14px ui-monospace,monospace}\
pre{background:#f6f8fa;padding:.8rem;overflow-x:auto;border-radius:6px}.m{display:inline-block;width:4.5rem;\
font-weight:700}table{border-collapse:collapse}td{padding:.1rem .8rem .1rem 0;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}pre{background:#161b22}\
details{border-color:#30363d}}";

/// The page of a description.
pub fn page(document: &OpenApi) -> String {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Kurir API</title><style>{STYLE}</style><h1>Kurir API {}</h1>\
         <p>{} The same for programs: <a href=\"/v1/openapi.json\">openapi.json</a>.</p>",
        escape(&document["info"]["version"]),
        escape(&document["info"]["description"]),
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        _ = write!(html, "<h2>{}</h2><p>{}</p>", escape(&tag["name"]), escape(&tag["description"]));
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag["name"] {
                    write_operation(&mut html, method, path, operation);
                }
            }
        }
    }
    html.push_str("<h2>Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let json = serde_json::to_string_pretty(schema).unwrap_or_default();
        _ = write!(
            html,
            "<details id=\"{0}\"><summary><code>{0}</code></summary><pre>{1}</pre></details>",
            escape_text(name),
            escape_text(&json)
        );
    }
    html.push_str("</html>");
    html
}

fn write_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    _ = write!(
        html,
        "<details><summary><span class=\"m\">{}</span><code>{}</code> {}</summary><table>",
        escape_text(&method.to_uppercase()),
        escape_text(path),
        escape(&operation["summary"])
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let place = escape(&parameter["in"]);
        let text = escape(&parameter["description"]);
        _ = write!(html, "<tr><td>{place}<td><code>{}</code><td>{text}", escape(&parameter["name"]));
    }
    for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        _ = write!(html, "<tr><td>body<td>{}<td>{}", escape_text(kind), link(&content["schema"]));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let schemas = response["content"].as_object().into_iter().flatten().map(|(_, c)| link(&c["schema"]));
        let schemas = schemas.collect::<Vec<_>>().join(" ");
        let text = escape(&response["description"]);
        _ = write!(html, "<tr><td>{}<td>{schemas}<td>{text}", escape_text(status));
    }
    html.push_str("</table></details>");
}

fn link(schema: &Value) -> String {
    match schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some(name) => format!("<a href=\"#{0}\"><code>{0}</code></a>", escape_text(name)),
        None => String::new(),
    }
}

fn escape(text: &Value) -> String {
    escape_text(text.as_str().unwrap_or_default())
}

fn escape_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
