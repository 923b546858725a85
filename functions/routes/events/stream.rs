//! `GET /v1/events`

use std::time::Duration;

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::IntoResponse,
};
use futures::{Stream, stream};
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{
        ids::{DeviceId, EventId},
        permissions::Permission,
    },
    services::{
        Context,
        events::{self, Batch, EventFilter, Follow},
    },
};
use tokio::time::Instant;
use utoipa::IntoParams;

use super::frames;
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

/// How long nothing may come.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The longest that a stream lasts. Then the client comes back, shows its credentials, and misses nothing.
const MAX_DURATION: Duration = Duration::from_secs(15 * 60);

/// How long before Lambda ends the function its stream ends by itself.
const MARGIN: Duration = Duration::from_secs(3);

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewMessages)).taking_token_in_address()
}

/// Filters; what is not given does not matter.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct StreamQuery {
    /// Types, separated by commas; `message.*` is a family of them.
    types: Option<String>,
    device_id: Option<DeviceId>,
    /// Go on after this event, like the header `Last-Event-ID`, which goes before it.
    last_event_id: Option<String>,
}

/// The caller's events as they happen, as server-sent events: what follows `Last-Event-ID`, or what happens from
/// now on. A stream lasts 15 minutes at most; whoever comes back with the id of its last event misses nothing and
/// gets nothing twice.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "streamEvents",
    tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event.")),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream")),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    headers: HeaderMap,
    lambda: Option<Extension<lambda_http::Context>>,
    QueryParams(query): QueryParams<StreamQuery>,
) -> Result<impl IntoResponse, Problem> {
    let filter = EventFilter::parse(query.types.as_deref(), query.device_id)?;
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last = header.filter(|id| !id.is_empty()).map(str::to_owned).or(query.last_event_id);
    let last = last.filter(|id| !id.is_empty()).map(|id| id.parse::<EventId>()).transpose();
    let last = last.map_err(|error| Problem::invalid("lastEventId", "id_invalid", error.to_string()))?;
    let follow = events::follow(&ctx, &caller, caller.pass.clone(), last, filter).await?;
    let lasts = lambda.map_or(MAX_DURATION, |Extension(lambda)| {
        let end = Timestamp::from_unix_millis(i64::try_from(lambda.deadline).unwrap_or(i64::MAX));
        MAX_DURATION.min(end.since(ctx.now()).saturating_sub(MARGIN))
    });
    let expires_at = caller.api_key.as_ref().and_then(|key| key.expires_at);
    let lasts = expires_at.map_or(lasts, |end| lasts.min(end.since(ctx.now())));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // Proxies of nginx's kind would hold it back until it is large enough.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(text_of(follow, last, Instant::now() + lasts))))
}

/// A stream under way.
struct Talk {
    follow: Follow,
    last: Option<EventId>,
    end: Instant,
}

/// What goes to the client until `end`.
fn text_of(
    follow: Follow,
    last: Option<EventId>,
    end: Instant,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let talk = Talk { follow, last, end };
    let rest = stream::unfold(talk, |mut talk| async move {
        let text = talk.next().await?;
        Some((Ok(text), talk))
    });
    futures::StreamExt::chain(
        stream::once(async { Ok(Bytes::from_static(frames::GREETING.as_bytes())) }),
        rest,
    )
}

impl Talk {
    /// What to say next, after a while of silence something that says nothing; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            let batch = tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.end) => return None,
                batch = self.follow.next() => batch?,
                () = tokio::time::sleep_until(heartbeat) => {
                    return Some(Bytes::from_static(frames::HEARTBEAT.as_bytes()));
                }
            };
            let mut text = String::new();
            match batch {
                Batch::Gap => frames::add_gap(&mut text, self.last),
                Batch::Events(events) => events.iter().for_each(|event| frames::add(&mut text, event)),
            }
            // Events that are not wanted do not put off the next heartbeat.
            if !text.is_empty() {
                return Some(text.into());
            }
        }
    }
}
