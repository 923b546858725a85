//! Headers that show the limits that a request was counted against (draft-ietf-httpapi-ratelimit-headers).

use axum::http::{HeaderMap, HeaderValue};
use shared::services::{Allowance, Context};

/// Adds the headers for what an allowance was counted against.
pub(super) fn show_limits(ctx: &Context, allowance: &Allowance, headers: &mut HeaderMap) {
    let (mut policies, mut limits) = (Vec::new(), Vec::new());
    let now = ctx.now();
    for standing in allowance.standings() {
        let (name, rate) = (standing.name(), standing.rate);
        let left = rate.limit.saturating_sub(standing.used);
        // Rounded up, so that a client that waits so long finds the limit reset.
        let reset = rate.per.end(now).since(now).as_millis().div_ceil(1000);
        policies.push(format!("\"{name}\";q={};w={}", rate.limit, rate.per.length(now).as_secs()));
        limits.push(format!("\"{name}\";r={left};t={reset}"));
    }
    for (name, parts) in [("ratelimit-policy", policies), ("ratelimit", limits)] {
        if let (false, Ok(value)) = (parts.is_empty(), HeaderValue::from_str(&parts.join(", "))) {
            headers.insert(name, value);
        }
    }
}
