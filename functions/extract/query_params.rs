//! Parameters behind the question mark.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use shared::services::PageRequest;
use utoipa::IntoParams;

use super::words::in_words;
use crate::error::Problem;

/// Query parameters in the form of `T`.
#[derive(Debug, Clone)]
pub struct QueryParams<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|rejection| {
            let text = rejection.body_text();
            let message = text.rsplit_once("string: ").map_or(text.as_str(), |(_, rest)| rest);
            let (field, message) = message.split_once(": ").unwrap_or(("query", message));
            Problem::invalid(field, "wrong_type", in_words(message))
        })
    }
}

/// The parameters of every list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u16>,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { limit: query.limit, cursor: query.cursor }
    }
}
