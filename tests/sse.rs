//! A client of event streams that keeps what it is told.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use crate::{Api, PATIENCE};

/// An open event stream.
pub struct EventStream {
    response: reqwest::Response,
    bytes: Vec<u8>,
    /// The id of the last event that came, for going on after it.
    pub last_id: Option<String>,
}

/// What a stream says.
#[derive(Debug, Clone)]
pub enum Said {
    /// An event: its type as the stream names it, and its data.
    Event(String, Value),
    /// Something that programs pass over.
    Comment(String),
}

impl Api {
    /// Opens the caller's event stream, `path` with what is behind the question mark; the answer says no more
    /// than whether it was opened.
    pub async fn event_stream(&self, path: &str, after: Option<&str>) -> EventStream {
        let request = self.request(Method::GET, path);
        let request = match after {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = EventStream { response, bytes: Vec::new(), last_id: after.map(str::to_owned) };
        // What it says first tells that it is open.
        assert!(matches!(stream.next().await, Some(Said::Comment(_))));
        stream
    }
}

impl EventStream {
    /// What it says next; `None` when it has ended or broken off.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
                match self.read(std::str::from_utf8(&block).expect("UTF-8")) {
                    Some(said) => return Some(said),
                    None => continue,
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            self.bytes.extend_from_slice(&chunk);
        }
    }

    fn read(&mut self, block: &str) -> Option<Said> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let Some(id) = field("id:") {
            self.last_id = Some(id.to_owned());
        }
        match field("data:") {
            Some(data) => {
                let data = serde_json::from_str(data).expect("JSON");
                Some(Said::Event(field("event:").unwrap_or("message").to_owned(), data))
            }
            None => field(":").map(|comment| Said::Comment(comment.to_owned())),
        }
    }

    /// The next event, whatever is said in between.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn event(&mut self) -> Value {
        self.event_within(PATIENCE).await.expect("an event")
    }

    /// The next event, if one comes in time.
    pub async fn event_within(&mut self, patience: Duration) -> Option<Value> {
        let deadline = Instant::now() + patience;
        loop {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(Some(Said::Event(_, data))) => return Some(data),
                Ok(Some(Said::Comment(_))) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Events until one fulfils this, that one included.
    pub async fn until(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await;
            let last = is_last(&event);
            events.push(event);
            if last {
                return events;
            }
        }
    }
}
