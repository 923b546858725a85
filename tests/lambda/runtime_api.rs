//! Lambda's own side: the Runtime API that a function asks for events and tells its answers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tests::PATIENCE;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};

/// How long a function may take for one event; what API Gateway grants at most.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A Runtime API for one function, on a free loopback port.
pub struct RuntimeApi {
    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` wants them.
    pub address: String,
    events: mpsc::UnboundedSender<Invocation>,
    task: JoinHandle<()>,
}

/// What became of an event: the function's answer, or the error that it reported.
type Outcome = Result<Value, Value>;

struct Invocation {
    payload: Value,
    /// How long the function may take.
    limit: Duration,
    outcome: oneshot::Sender<Outcome>,
}

struct Desk {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    under_way: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    /// Makes request ids.
    count: AtomicU64,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (events, queue) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            events: tokio::sync::Mutex::new(queue),
            under_way: Mutex::default(),
            count: AtomicU64::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(desk);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, events, task }
    }

    /// Gives the function an event and waits for its answer.
    ///
    /// # Panics
    /// When it reports an error, or nothing in time.
    pub async fn invoke(&self, payload: Value) -> Value {
        self.invoke_for(payload, TIMEOUT).await
    }

    /// The same with another time for the function to take. An answer that streams is
    /// `{prelude, chunks: [{text, atMs}], endMs}`.
    pub async fn invoke_for(&self, payload: Value, limit: Duration) -> Value {
        let (outcome, answered) = oneshot::channel();
        self.events.send(Invocation { payload, limit, outcome }).expect("the Runtime API is there");
        let outcome = tokio::time::timeout(PATIENCE, answered).await.expect("the function answers in time");
        outcome.expect("the event is not lost").unwrap_or_else(|error| panic!("the function failed: {error}"))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The long poll with which a function asks for its next event.
async fn next(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let event = desk.events.lock().await.recv().await;
    let Some(Invocation { payload, limit, outcome }) = event else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let id = format!("8476a536-e9f4-11e8-9739-{:012x}", desk.count.fetch_add(1, Ordering::Relaxed));
    desk.under_way.lock().unwrap().insert(id.clone(), outcome);
    let deadline = UNIX_EPOCH.elapsed().expect("it is after 1970") + limit;
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:ap-southeast-3:123456789012:function:kurir".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0".to_owned(),
        ),
    ];
    (headers, Json(payload)).into_response()
}

// The bodies are JSON that does not say so.
async fn response(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> impl IntoResponse {
    let streams =
        headers.get("lambda-runtime-function-response-mode").is_some_and(|mode| mode == "streaming");
    let answer = match streams {
        true => streamed(body).await,
        false => json(&to_bytes(body, usize::MAX).await.expect("a whole answer")),
    };
    desk.settle(&id, Ok(answer))
}

/// An answer that comes in pieces: what API Gateway would want to know of it, eight zeros, and the rest.
async fn streamed(body: Body) -> Value {
    let (began, mut pieces, mut head) = (Instant::now(), body.into_data_stream(), Vec::new());
    let (mut prelude, mut chunks) = (Value::Null, Vec::new());
    while let Some(piece) = pieces.next().await {
        let mut piece = piece.expect("a piece").to_vec();
        if prelude.is_null() {
            head.append(&mut piece);
            let Some(end) = head.windows(8).position(|bytes| bytes == [0; 8]) else { continue };
            piece = head.split_off(end + 8);
            head.truncate(end);
            prelude = json(&head);
        }
        let text = String::from_utf8(piece).expect("text");
        chunks.push(json!({"text": text, "atMs": began.elapsed().as_millis() as u64}));
    }
    json!({"prelude": prelude, "chunks": chunks, "endMs": began.elapsed().as_millis() as u64})
}

async fn error(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Bytes) -> impl IntoResponse {
    desk.settle(&id, Err(json(&body)))
}

/// No function of ours reports one: a bad start ends the process, which the tests see.
async fn init_error(body: Bytes) -> StatusCode {
    eprintln!("a function could not start: {}", json(&body));
    StatusCode::ACCEPTED
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("the runtime sends JSON")
}

impl Desk {
    fn settle(&self, id: &str, outcome: Outcome) -> (StatusCode, Json<Value>) {
        let Some(waiting) = self.under_way.lock().unwrap().remove(id) else {
            let refusal = json!({"errorType": "InvalidRequestID", "errorMessage": "no such invocation"});
            return (StatusCode::BAD_REQUEST, Json(refusal));
        };
        // A test that has given up does not listen any more.
        let _gone = waiting.send(outcome);
        (StatusCode::ACCEPTED, Json(json!({"status": "OK"})))
    }
}
