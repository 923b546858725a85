//! The caller, as the route's guard found it.

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use shared::services::{Caller, Error};

use crate::{error::Problem, middleware::ClientIp};

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

/// Where the request comes from, when known.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<ClientIp>().and_then(|ip| ip.0)))
    }
}
