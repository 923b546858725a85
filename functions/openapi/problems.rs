//! The problems that an operation may answer with: what its route declares, and what the frame around its handler
//! and its extractors add.

use std::collections::{BTreeMap, BTreeSet};

use shared::services::ErrorCode;
use utoipa::openapi::{
    Ref, RefOr, Response, ResponseBuilder, Type,
    content::ContentBuilder,
    header::HeaderBuilder,
    path::{Operation, ParameterIn},
    schema::{AllOfBuilder, ObjectBuilder},
};

use crate::route::Route;

/// The problems that an operation may answer with, by status.
pub(super) fn problems(route: &Route, operation: &Operation) -> Vec<(String, Response)> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes(route, operation) {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), problem(status, &codes))).collect()
}

fn codes(route: &Route, operation: &Operation) -> BTreeSet<ErrorCode> {
    let mut codes: BTreeSet<_> = route.rule.codes().into_iter().chain(route.codes.iter().copied()).collect();
    let has = |place: ParameterIn| {
        let mut all = operation.parameters.iter().flatten();
        all.any(|one| matches!(one, RefOr::T(one) if one.parameter_in == place))
    };
    if operation.request_body.is_some() {
        codes.extend([ErrorCode::BadJson, ErrorCode::PayloadTooLarge, ErrorCode::ValidationFailed]);
    }
    if has(ParameterIn::Query) {
        codes.insert(ErrorCode::ValidationFailed);
    }
    if has(ParameterIn::Path) {
        codes.insert(ErrorCode::NotFound);
    }
    codes
}

fn problem(status: u16, codes: &[ErrorCode]) -> Response {
    let told: Vec<_> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
    let text = ObjectBuilder::new().schema_type(Type::String);
    let code = text.enum_values(Some(codes.iter().map(|code| code.as_str())));
    let narrowed = ObjectBuilder::new().property("code", code);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed);
    let content = ContentBuilder::new().schema(Some(schema));
    let response = ResponseBuilder::new()
        .description(told.join(" "))
        .content("application/problem+json", content.build());
    match status {
        429 | 503 => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer);
            let header = HeaderBuilder::new().schema(Some(seconds));
            let header = header.description(Some("In how many seconds it is worth another try"));
            response.header("Retry-After", header.build()).build()
        }
        _ => response.build(),
    }
}
