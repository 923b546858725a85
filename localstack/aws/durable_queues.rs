//! What the embedded SQS forgets when this process dies, for the queues that nothing else could bring back: each
//! message is in a file until it is deleted, and at the next start those that are left are sent again.

use std::{
    collections::HashMap,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use rusqlite::{Connection, params};
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_http::{body::SqsResponseBody, dispatch::SqsHandler};
use rustack_sqs_model::{error::SqsError, operations::SqsOperation};
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, Timestamp};
use tokio::time::Instant;

/// How the names of these queues end: `slow-deliveries` like `deliveries`.
const DURABLE: [&str; 2] = ["events.fifo", "deliveries"];

/// For how long a message that is deleted is remembered: longer than SQS recognises that it is sent twice.
const MEMORY: Duration = Duration::from_secs(600);

type Answer = Result<Response<SqsResponseBody>, SqsError>;

/// The embedded SQS, with a file behind some of its queues.
pub(crate) struct DurableQueues {
    sqs: Arc<RustackSqsHandler>,
    kept: Arc<Kept>,
}

impl DurableQueues {
    /// Keeps messages in `file`.
    pub fn open(sqs: RustackSqsHandler, file: &Path) -> rusqlite::Result<Self> {
        Ok(Self { sqs: Arc::new(sqs), kept: Arc::new(Kept::open(file)?) })
    }
}

impl SqsHandler for DurableQueues {
    fn handle_operation(
        &self,
        operation: SqsOperation,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        let (sqs, kept) = (self.sqs.clone(), self.kept.clone());
        Box::pin(async move {
            match serde_json::from_slice(&body).ok().and_then(|request| durable_queue(&request)) {
                Some((queue, request)) => handle(&sqs, &kept, operation, &queue, request).await,
                None => sqs.handle_operation(operation, body).await,
            }
        })
    }
}

/// The name of the queue that a request is about, when that is one of these.
fn durable_queue(request: &Value) -> Option<(String, Value)> {
    let name = request["QueueName"].as_str().or_else(|| request["QueueUrl"].as_str()?.rsplit('/').next())?;
    DURABLE.iter().any(|end| name.ends_with(end)).then(|| (name.to_owned(), request.clone()))
}

async fn handle(
    sqs: &RustackSqsHandler,
    kept: &Kept,
    operation: SqsOperation,
    queue: &str,
    request: Value,
) -> Answer {
    let entries = |request: &Value| request["Entries"].as_array().cloned().unwrap_or_default();
    match operation {
        SqsOperation::SendMessage => {
            let rows = kept.add(queue, std::slice::from_ref(&request)).map_err(failed)?;
            let answer = ask(sqs, operation, &request).await;
            let sent = answer.as_ref().ok().and_then(|(body, _)| body["MessageId"].as_str());
            kept.sent(&rows, &[sent]).map_err(failed)?;
            whole(answer?)
        }
        SqsOperation::SendMessageBatch => {
            let entries = entries(&request);
            let rows = kept.add(queue, &entries).map_err(failed)?;
            let answer = ask(sqs, operation, &request).await;
            let successful = answer.as_ref().ok().and_then(|(body, _)| body["Successful"].as_array());
            let sent: Vec<Option<&str>> = entries
                .iter()
                .map(|entry| successful?.iter().find(|one| one["Id"] == entry["Id"])?["MessageId"].as_str())
                .collect();
            kept.sent(&rows, &sent).map_err(failed)?;
            whole(answer?)
        }
        SqsOperation::ReceiveMessage => {
            let answer = ask(sqs, operation, &request).await?;
            for message in answer.0["Messages"].as_array().into_iter().flatten() {
                if let (Some(id), Some(handle)) =
                    (message["MessageId"].as_str(), message["ReceiptHandle"].as_str())
                {
                    kept.received(id, handle);
                }
            }
            whole(answer)
        }
        SqsOperation::DeleteMessage => {
            let answer = ask(sqs, operation, &request).await?;
            kept.deleted(request["ReceiptHandle"].as_str().into_iter()).map_err(failed)?;
            whole(answer)
        }
        SqsOperation::DeleteMessageBatch => {
            let answer = ask(sqs, operation, &request).await?;
            let successful = answer.0["Successful"].as_array().cloned().unwrap_or_default();
            let entries = entries(&request);
            let done = entries.iter().filter(|entry| successful.iter().any(|one| one["Id"] == entry["Id"]));
            kept.deleted(done.filter_map(|entry| entry["ReceiptHandle"].as_str())).map_err(failed)?;
            whole(answer)
        }
        SqsOperation::CreateQueue => {
            let answer = ask(sqs, operation, &request).await?;
            if let Some(url) = answer.0["QueueUrl"].as_str() {
                send_again(sqs, kept, queue, url).await?;
            }
            whole(answer)
        }
        SqsOperation::PurgeQueue | SqsOperation::DeleteQueue => {
            let answer = ask(sqs, operation, &request).await?;
            kept.forget(queue).map_err(failed)?;
            whole(answer)
        }
        _ => whole(ask(sqs, operation, &request).await?),
    }
}

/// Sends what an earlier process left in a queue, in its order, before anybody else can send.
async fn send_again(sqs: &RustackSqsHandler, kept: &Kept, queue: &str, url: &str) -> Result<(), SqsError> {
    let left = kept.left(queue).map_err(failed)?;
    let count = left.len();
    for (row, mut request, due) in left {
        request["QueueUrl"] = url.into();
        if !queue.ends_with(".fifo") {
            let wait = Timestamp::from_unix_millis(due).since(SystemClock.now());
            request["DelaySeconds"] = json!(wait.as_secs_f64().ceil() as u64);
        }
        let (body, _) = ask(sqs, SqsOperation::SendMessage, &request).await?;
        kept.sent(&[row], &[body["MessageId"].as_str()]).map_err(failed)?;
    }
    if count > 0 {
        tracing::info!(queue, count, "messages that were left in a queue are in it again");
    }
    Ok(())
}

async fn ask(
    sqs: &RustackSqsHandler,
    operation: SqsOperation,
    request: &Value,
) -> Result<(Value, Response<Bytes>), SqsError> {
    let (head, body) = sqs.handle_operation(operation, request.to_string().into()).await?.into_parts();
    let bytes = body.collect().await.map_err(|error| SqsError::internal_error(error.to_string()))?.to_bytes();
    let value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok((value, Response::from_parts(head, bytes)))
}

fn whole((_, response): (Value, Response<Bytes>)) -> Answer {
    Ok(response.map(SqsResponseBody::from_bytes))
}

fn failed(error: rusqlite::Error) -> SqsError {
    SqsError::internal_error(format!("the file behind the queue: {error}"))
}

/// The file, and which of its rows are which messages.
struct Kept(Mutex<State>);

struct State {
    file: Connection,
    /// The queues whose messages of an earlier process are in them again.
    loaded: Vec<String>,
    /// The row and the receipt handles of each message in a queue.
    messages: HashMap<String, (i64, Vec<String>)>,
    /// Which message a receipt handle is for.
    handles: HashMap<String, String>,
    /// Messages that were deleted, and when: they may be gone before their sending is answered, and one that is
    /// sent twice is the one that was sent first.
    gone: HashMap<String, Instant>,
}

impl Kept {
    fn open(file: &Path) -> rusqlite::Result<Self> {
        let file = Connection::open(file)?;
        file.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS messages (
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 queue TEXT NOT NULL,
                 request TEXT NOT NULL,
                 due INTEGER NOT NULL
             );",
        )?;
        Ok(Self(Mutex::new(State {
            file,
            loaded: Vec::new(),
            messages: HashMap::new(),
            handles: HashMap::new(),
            gone: HashMap::new(),
        })))
    }

    /// Keeps what is about to be sent.
    fn add(&self, queue: &str, requests: &[Value]) -> rusqlite::Result<Vec<i64>> {
        let now = SystemClock.now().unix_millis();
        let mut state = self.lock();
        let transaction = state.file.transaction()?;
        let mut rows = Vec::with_capacity(requests.len());
        for request in requests {
            let due = now + request["DelaySeconds"].as_i64().unwrap_or_default() * 1000;
            transaction
                .prepare_cached("INSERT INTO messages (queue, request, due) VALUES (?1, ?2, ?3)")?
                .execute(params![queue, request.to_string(), due])?;
            rows.push(transaction.last_insert_rowid());
        }
        transaction.commit()?;
        Ok(rows)
    }

    /// Which messages the rows became: those that were refused, or sent before, need not be kept.
    fn sent(&self, rows: &[i64], ids: &[Option<&str>]) -> rusqlite::Result<()> {
        let mut state = self.lock();
        for (row, id) in rows.iter().zip(ids) {
            match id {
                Some(id) if !state.messages.contains_key(*id) && !state.gone.contains_key(*id) => {
                    state.messages.insert((*id).to_owned(), (*row, Vec::new()));
                }
                _ => state.drop_row(*row)?,
            }
        }
        Ok(())
    }

    fn received(&self, id: &str, handle: &str) {
        let mut state = self.lock();
        state.handles.insert(handle.to_owned(), id.to_owned());
        if let Some((_, handles)) = state.messages.get_mut(id) {
            handles.push(handle.to_owned());
        }
    }

    fn deleted<'a>(&self, handles: impl Iterator<Item = &'a str>) -> rusqlite::Result<()> {
        let mut state = self.lock();
        let now = Instant::now();
        for handle in handles {
            let Some(id) = state.handles.remove(handle) else { continue };
            if let Some((row, others)) = state.messages.remove(&id) {
                for other in others {
                    state.handles.remove(&other);
                }
                state.drop_row(row)?;
            }
            state.gone.insert(id, now);
        }
        if state.gone.len() > 10_000 {
            state.gone.retain(|_, at| at.elapsed() < MEMORY);
        }
        Ok(())
    }

    /// What an earlier process left in a queue; nothing when that was asked before.
    fn left(&self, queue: &str) -> rusqlite::Result<Vec<(i64, Value, i64)>> {
        let mut state = self.lock();
        if state.loaded.iter().any(|loaded| loaded == queue) {
            return Ok(Vec::new());
        }
        state.loaded.push(queue.to_owned());
        let mut rows =
            state.file.prepare("SELECT id, request, due FROM messages WHERE queue = ?1 ORDER BY id")?;
        let rows = rows.query_map([queue], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        rows.map(|row| row.map(|(id, text, due)| (id, serde_json::from_str(&text).unwrap_or_default(), due)))
            .collect()
    }

    fn forget(&self, queue: &str) -> rusqlite::Result<()> {
        let state = self.lock();
        state.file.execute("DELETE FROM messages WHERE queue = ?1", [queue]).map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_row(&self, row: i64) -> rusqlite::Result<()> {
        self.file.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([row]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use rustack_sqs_core::{config::SqsConfig, provider::RustackSqs};

    use super::*;

    fn open(folder: &Path) -> DurableQueues {
        let sqs = RustackSqsHandler::new(Arc::new(RustackSqs::new(SqsConfig::default())));
        DurableQueues::open(sqs, &folder.join("queues.sqlite")).unwrap()
    }

    async fn call(queues: &DurableQueues, operation: SqsOperation, request: Value) -> Value {
        let answer = queues.handle_operation(operation, request.to_string().into()).await.unwrap();
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap_or_default()
    }

    async fn make(queues: &DurableQueues, name: &str) -> String {
        let attributes = if name.ends_with(".fifo") { json!({"FifoQueue": "true"}) } else { json!({}) };
        let request = json!({"QueueName": name, "Attributes": attributes});
        call(queues, SqsOperation::CreateQueue, request).await["QueueUrl"].as_str().unwrap().to_owned()
    }

    async fn send(queues: &DurableQueues, url: &str, body: &str) {
        let request = json!({
            "QueueUrl": url, "MessageBody": body, "MessageGroupId": "a", "MessageDeduplicationId": body,
        });
        call(queues, SqsOperation::SendMessage, request).await;
    }

    async fn take(queues: &DurableQueues, url: &str) -> Option<(String, String)> {
        let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 1});
        let answer = call(queues, SqsOperation::ReceiveMessage, request).await;
        let message = answer["Messages"].get(0)?;
        let text = |name: &str| message[name].as_str().unwrap().to_owned();
        Some((text("Body"), text("ReceiptHandle")))
    }

    #[tokio::test]
    async fn what_was_not_deleted_is_there_again_after_a_start_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        let url = make(&queues, "t-events.fifo").await;
        for body in ["one", "two", "three"] {
            send(&queues, &url, body).await;
        }
        send(&queues, &url, "two").await;
        let (body, handle) = take(&queues, &url).await.unwrap();
        assert_eq!(body, "one");
        let request = json!({"QueueUrl": url, "Entries": [{"Id": "0", "ReceiptHandle": handle}]});
        call(&queues, SqsOperation::DeleteMessageBatch, request).await;
        // Sent once more, after it was deleted: SQS knows it still.
        send(&queues, &url, "one").await;
        let (body, _) = take(&queues, &url).await.unwrap();
        assert_eq!(body, "two", "in hand, and not deleted");
        drop(queues);

        let queues = open(folder.path());
        let url = make(&queues, "t-events.fifo").await;
        assert_eq!(make(&queues, "t-events.fifo").await, url, "asked for twice, sent once");
        for expected in ["two", "three"] {
            let (body, handle) = take(&queues, &url).await.unwrap();
            assert_eq!(body, expected);
            let request = json!({"QueueUrl": url, "ReceiptHandle": handle});
            call(&queues, SqsOperation::DeleteMessage, request).await;
        }
        assert!(take(&queues, &url).await.is_none());
        drop(queues);

        let queues = open(folder.path());
        let url = make(&queues, "t-events.fifo").await;
        assert!(take(&queues, &url).await.is_none());
    }

    #[tokio::test]
    async fn a_message_that_is_to_wait_waits_after_a_start_too() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        let url = make(&queues, "t-deliveries").await;
        let entry = |id: &str, delay: u32| json!({"Id": id, "MessageBody": id, "DelaySeconds": delay});
        let entries = json!({"QueueUrl": url, "Entries": [entry("later", 600), entry("now", 0)]});
        call(&queues, SqsOperation::SendMessageBatch, entries).await;
        drop(queues);
        let queues = open(folder.path());
        let url = make(&queues, "t-deliveries").await;
        assert_eq!(take(&queues, &url).await.unwrap().0, "now");
        assert!(take(&queues, &url).await.is_none());
    }

    #[tokio::test]
    async fn other_queues_are_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        let url = make(&queues, "t-commands-0").await;
        call(&queues, SqsOperation::SendMessage, json!({"QueueUrl": url, "MessageBody": "x"})).await;
        drop(queues);
        let queues = open(folder.path());
        let url = make(&queues, "t-commands-0").await;
        assert!(take(&queues, &url).await.is_none());
    }
}
