//! The API's description, for programs and for people.

pub(super) mod openapi;
pub(super) mod page;
pub(super) mod root;

use std::sync::OnceLock;

use utoipa::openapi::OpenApi;

/// Described once, when somebody asks.
fn description() -> &'static OpenApi {
    static DESCRIPTION: OnceLock<OpenApi> = OnceLock::new();
    DESCRIPTION.get_or_init(|| crate::openapi::document(&super::all()))
}
