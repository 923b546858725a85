//! A receiver of webhooks: a server that keeps what it gets and answers as it is told.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use futures::{StreamExt, stream};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};

use crate::eventually;

/// One call that it got.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub at: Instant,
}

impl Call {
    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The event.
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// How it answers.
#[derive(Debug, Clone)]
pub enum Answers {
    /// With this status and a body.
    With(u16, String),
    /// With a redirect.
    To(String),
    /// With this status, so late.
    After(Duration, u16),
    /// With 200 and half a body, and then the connection ends.
    Half,
}

/// A running receiver. It ends when dropped.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    state: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

struct Script {
    calls: Vec<Call>,
    /// The answers to the next calls …
    next: VecDeque<Answers>,
    /// … and to all after them.
    then: Answers,
}

impl Receiver {
    /// Starts one that takes everything, on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::on(listener)
    }

    /// The same on a port that an earlier one had.
    pub async fn start_at(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches("/hook");
        Self::on(TcpListener::bind(address).await.expect("the port is free again"))
    }

    fn on(listener: TcpListener) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let then = Answers::With(204, String::new());
        let state = Arc::new(Mutex::new(Script { calls: Vec::new(), next: VecDeque::new(), then }));
        let router = axum::Router::new().fallback(answer).with_state(state.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, state, task }
    }

    /// From now on it answers these, one after another, and after them the last one for good.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answers>) {
        let mut script = self.state.lock().unwrap();
        script.next = answers.into_iter().collect();
        script.then = script.next.back().expect("an answer").clone();
    }

    /// The same with statuses alone.
    pub fn statuses(&self, statuses: impl IntoIterator<Item = u16>) {
        self.answers(statuses.into_iter().map(|status| Answers::With(status, String::new())));
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Waits until there are so many calls; all of them.
    pub async fn gets(&self, count: usize) -> Vec<Call> {
        eventually(format!("{count} calls at {}", self.url), async || {
            let calls = self.calls();
            (calls.len() >= count).then_some(calls)
        })
        .await
    }

    /// Waits for an event of a type; the call that brought it.
    pub async fn gets_event(&self, kind: &str) -> Call {
        eventually(format!("{kind} at {}", self.url), async || {
            self.calls().into_iter().find(|call| call.event()["type"] == kind)
        })
        .await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Script>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answers = {
        let mut script = state.lock().unwrap();
        script.calls.push(Call { path: uri.to_string(), headers, body, at: Instant::now() });
        script.next.pop_front().unwrap_or_else(|| script.then.clone())
    };
    let response = Response::builder();
    let response = match answers {
        Answers::With(status, body) => response.status(status).body(Body::from(body)),
        Answers::To(url) => response.status(302).header("location", url).body(Body::empty()),
        Answers::After(time, status) => {
            tokio::time::sleep(time).await;
            response.status(status).body(Body::empty())
        }
        Answers::Half => {
            let half = stream::iter([Ok(Bytes::from_static(b"half of it"))]);
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(io::Error::other("the end"))
            });
            response.status(200).body(Body::from_stream(half.chain(end)))
        }
    };
    response.expect("a response")
}
