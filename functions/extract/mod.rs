//! What handlers take from requests; what cannot be taken becomes a problem body.

mod caller;
mod json_body;
mod path_ids;
mod query_params;
mod words;

pub use caller::{CallerOf, ClientAddress, MaybeCaller};
pub use json_body::{JsonBody, MAX_BODY_BYTES, OptionalJsonBody};
pub use path_ids::PathIds;
pub use query_params::{PageQuery, QueryParams};
