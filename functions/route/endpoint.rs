//! Handlers with what `#[utoipa::path]` declares of them: the one place where a method and a path are said.

use axum::{
    handler::Handler,
    http::Method,
    routing::{MethodRouter, on},
};
use shared::services::Context;
use utoipa::openapi::HttpMethod;
use utoipa_axum::{PathItemExt, router::UtoipaMethodRouter};

/// A handler, and what it declares.
pub struct Endpoint {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) handler: MethodRouter<Context>,
    /// Builds the schemas: only called by who describes the API.
    pub(super) describe: fn() -> UtoipaMethodRouter<Context>,
}

/// The endpoint of a handler that has `#[utoipa::path]`.
macro_rules! endpoint {
    ($handler:ident) => {
        utoipa_axum::paste! {
            $crate::route::Endpoint::new::<[<__path_ $handler>], _, _>($handler, || utoipa_axum::routes!($handler))
        }
    };
}

pub(crate) use endpoint;

impl Endpoint {
    /// An endpoint; [`endpoint!`] names the type that holds its declaration.
    ///
    /// # Panics
    /// When a declaration has none of the methods that the API uses, or several.
    pub fn new<Declaration, H, T>(handler: H, describe: fn() -> UtoipaMethodRouter<Context>) -> Self
    where
        Declaration: utoipa::Path,
        H: Handler<T, Context>,
        T: 'static,
    {
        let path = Declaration::path();
        let (method, filter) = match Declaration::methods().as_slice() {
            [one] => (method_of(one), one.to_method_filter()),
            _ => panic!("{path} declares not one method"),
        };
        Self { method, path, handler: on(filter, handler), describe }
    }
}

fn method_of(declared: &HttpMethod) -> Method {
    match declared {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
