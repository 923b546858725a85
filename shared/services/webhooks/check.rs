//! What holds for webhooks however they come about.

use std::collections::BTreeMap;

use crate::{
    domain::{
        event::EventPattern,
        webhook::{MAX_PATTERNS, check_headers},
    },
    secret::Secret,
    services::{Context, Invalid},
};

/// Checks a URL, also what its name leads to at present.
pub(super) async fn url(ctx: &Context, invalid: &mut Invalid, text: &str) -> String {
    let text = text.trim();
    if let Err(refusal) = ctx.outbound.check(text).await {
        invalid.unless(false, "url", refusal.code(), &refusal.to_string());
    }
    text.to_owned()
}

/// Reads patterns.
pub(super) fn events(invalid: &mut Invalid, texts: &[String]) -> Vec<EventPattern> {
    invalid.unless(!texts.is_empty(), "events", "too_few", "at least one pattern is needed; * is for all");
    invalid.unless(texts.len() <= MAX_PATTERNS, "events", "too_many", "at most 50 patterns");
    let read = texts.iter().take(MAX_PATTERNS).enumerate().filter_map(|(n, text)| {
        invalid.take(text.parse::<EventPattern>(), &format!("events[{n}]"), "event_unknown")
    });
    read.collect()
}

/// Checks its owner's headers.
pub(super) fn headers(invalid: &mut Invalid, headers: &BTreeMap<String, Secret>) {
    for fault in check_headers(headers.iter().map(|(name, value)| (name.as_str(), value.expose()))) {
        let field = match fault.name.as_str() {
            "" => "headers".to_owned(),
            name => format!("headers.{name}"),
        };
        invalid.unless(false, &field, fault.code, fault.message);
    }
}
