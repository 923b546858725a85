//! One AWS endpoint in front of a gateway's embedded DynamoDB and SQS, as a cloud has one for all services. It
//! misbehaves on demand, as the real ones do now and then, and counts what goes through it.

mod answers;
mod copies;
mod counts;
mod misbehaviour;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::Response,
};
use serde_json::json;
use tokio::sync::watch;

pub use counts::{Counts, Units};
pub use misbehaviour::{Misbehaviour, Refusal, Refused};

use crate::{Endpoints, Gateway, http_client};
use copies::Copies;
use misbehaviour::{Dice, Failure};

/// The endpoint, for as long as this lives.
pub struct AwsProxy {
    /// What `AWS_ENDPOINT_URL` is to be.
    pub url: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for AwsProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Shared {
    services: Endpoints,
    http: reqwest::Client,
    misbehaviour: watch::Sender<Misbehaviour>,
    dice: Dice,
    copies: Copies,
    counts: Mutex<Counts>,
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AwsProxy {
    /// In front of the pair that a gateway has embedded. What is left to chance follows from the seed.
    pub async fn of(host: &Gateway, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            services: Endpoints::of(host),
            http: http_client(),
            misbehaviour: watch::Sender::default(),
            dice: Dice::new(seed),
            copies: Copies::default(),
            counts: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let router = axum::Router::new().fallback(pass).with_state(shared.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is aborted");
        });
        Self { url, shared, server }
    }

    /// From now on it misbehaves like this, also towards requests under way.
    pub fn misbehave(&self, how: Misbehaviour) {
        self.shared.misbehaviour.send_replace(how);
    }

    /// From now on it behaves.
    pub fn behave(&self) {
        self.misbehave(Misbehaviour::default());
    }

    /// What has gone through since the start or the latest [`AwsProxy::reset`].
    pub fn counts(&self) -> Counts {
        self.shared.counts().clone()
    }

    /// Counts from nought.
    pub fn reset(&self) {
        *self.shared.counts() = Counts::default();
    }

    /// Counts write and read units as well. It makes the services say what each request consumes.
    pub fn count_units(&self, wanted: bool) {
        self.shared.dice.count_units(wanted);
    }
}

/// One request.
async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return answers::broken() };
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let operation = operation.to_owned();
    if service.starts_with("DynamoDB_") {
        dynamodb(&shared, &operation, parts.headers, body).await
    } else {
        sqs(&shared, &operation, parts.headers, body).await
    }
}

async fn dynamodb(shared: &Shared, operation: &str, headers: HeaderMap, body: Bytes) -> Response {
    let how = shared.misbehaviour.borrow().clone();
    let mut body = body;
    let units = shared.dice.counts_units();
    if units && let Some(asking) = counts::asking_for_units(operation, &body) {
        body = asking;
    }
    if let Some(refused) = how.dynamodb_refuses.as_ref().filter(|refused| refused.hits(operation, &body)) {
        shared.counts().failed(operation);
        return answers::refused(refused.how);
    }
    match shared.dice.dynamodb_fails(&how) {
        Some(Failure::Throttled) => {
            shared.counts().failed(operation);
            return answers::throttled();
        }
        Some(Failure::Refused) => {
            shared.counts().failed(operation);
            return answers::internal();
        }
        // It was done all the same, and nobody is told.
        Some(Failure::DoneAndForgotten) => {
            let _done = forward(shared, &shared.services.dynamodb, headers, body).await;
            shared.counts().failed(operation);
            return answers::internal();
        }
        None => {}
    }
    let request = body.clone();
    let Some((status, headers, answer)) = forward(shared, &shared.services.dynamodb, headers, body).await
    else {
        return answers::broken();
    };
    {
        let mut counts = shared.counts();
        counts.request("dynamodb", operation, "");
        if units {
            counts.units(operation, &request, status, &answer);
        }
    }
    answers::passed(status, headers, answer)
}

async fn sqs(shared: &Shared, operation: &str, headers: HeaderMap, body: Bytes) -> Response {
    let mut how = shared.misbehaviour.subscribe();
    let current = how.borrow_and_update().clone();
    if current.sqs_away {
        shared.counts().failed(operation);
        return if shared.dice.flip() { answers::away() } else { answers::broken() };
    }
    let queue = copies::queue_of(&body);
    shared.counts().request("sqs", operation, &queue);
    let twice = current.sends_arrive_twice && operation == "ReceiveMessage" && queue.contains("sends");
    if twice && let Some(again) = shared.copies.due(&queue) {
        return answers::json(StatusCode::OK, &json!({ "Messages": again }));
    }
    let body = if twice { copies::with_short_poll(&body) } else { body };
    let gone = how.wait_for(|how| how.sqs_away);
    let passed = tokio::select! {
        passed = forward(shared, &shared.services.sqs, headers, body) => passed,
        _ = gone => None,
    };
    let Some((status, headers, answer)) = passed else { return answers::broken() };
    if twice {
        shared.copies.keep(&queue, &answer, || shared.dice.pause());
    }
    answers::passed(status, headers, answer)
}

type Passed = (StatusCode, HeaderMap, Bytes);

async fn forward(shared: &Shared, to: &str, mut headers: HeaderMap, body: Bytes) -> Option<Passed> {
    const OF_THE_CONNECTION: [HeaderName; 4] =
        [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING];
    OF_THE_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
    // Whoever asks here need not know the host's key.
    let signature = Endpoints::signature(&shared.services.key).parse().expect("a header");
    headers.insert(header::AUTHORIZATION, signature);
    let answer = shared.http.request(Method::POST, to).headers(headers).body(body).send().await.ok()?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    OF_THE_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
    Some((status, headers, answer.bytes().await.ok()?))
}

/// A body for an answer.
fn body_of(bytes: impl Into<Bytes>) -> Body {
    Body::from(bytes.into())
}
