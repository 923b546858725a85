//! The caller, as the route's guard found it.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use shared::services::{Caller, Error};

use crate::error::Problem;

/// The caller of a route that needs a permission.
#[derive(Debug, Clone)]
pub struct CallerOf(pub Caller);

impl<S: Sync> FromRequestParts<S> for CallerOf {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Missing only when a public route asks for it: a mistake in the route table.
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.map(Self).ok_or_else(|| Error::unauthenticated("credentials are needed").into())
    }
}

/// The caller of a public route, if it showed valid credentials.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Caller>);

impl<S: Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Caller>().cloned()))
    }
}
