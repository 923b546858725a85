//! The API's description, for programs and for people.

pub(super) mod openapi;
pub(super) mod page;
pub(super) mod root;

use std::sync::OnceLock;

use utoipa::openapi::OpenApi;

use crate::surface::V1;

/// Described once, when somebody asks.
fn description() -> &'static OpenApi {
    static DESCRIPTION: OnceLock<OpenApi> = OnceLock::new();
    DESCRIPTION.get_or_init(|| crate::openapi::document(&V1, &super::all()))
}
