//! Receivers of webhooks that mean harm: they answer for ever, or drop by drop, or nothing that can be read. Each try ends
//! in time, takes little memory, and leaves a clear entry in the log of deliveries. What merely fails is in
//! `tests/webhooks`, and names that lead elsewhere later in `shared/outbound`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Api, Gateway, eventually, signals};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::Instant,
};

/// What a receiver does with a call.
#[derive(Debug, Clone, Copy)]
enum Trick {
    /// Sends this again and again behind a beginning, as fast as it can.
    Endless(&'static [u8], &'static [u8]),
    /// Sends a beginning, and then a byte twice a second.
    Drip(&'static [u8]),
    /// Sends this and closes.
    Close(&'static [u8]),
}

/// A hostile receiver. It ends when dropped.
struct Hostile {
    address: String,
    /// How many bytes callers took.
    sent: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Hostile {
    async fn start(trick: Trick) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sent = Arc::new(AtomicU64::default());
        let counted = sent.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(stream, trick, counted.clone()));
            }
        });
        Self { address, sent, task }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when the caller hangs up.
async fn play(mut stream: TcpStream, trick: Trick, sent: Arc<AtomicU64>) {
    let mut buffer = [0; 16 * 1024];
    let Ok(1..) = stream.read(&mut buffer).await else { return };
    let beginning = match trick {
        Trick::Endless(beginning, _) | Trick::Drip(beginning) | Trick::Close(beginning) => beginning,
    };
    if stream.write_all(beginning).await.is_err() {
        return;
    }
    let (more, pause) = match trick {
        Trick::Endless(_, more) => (more.repeat(64), Duration::ZERO),
        Trick::Drip(_) => (b"x".to_vec(), Duration::from_millis(500)),
        Trick::Close(_) => return,
    };
    while stream.write_all(&more).await.is_ok() {
        sent.fetch_add(more.len() as u64, Ordering::Relaxed);
        tokio::time::sleep(pause).await;
    }
}

/// The first try at a receiver of this kind, as the log has it.
async fn first_try(owner: &Api, scheme: &str, receiver: &Hostile) -> Value {
    let webhook = owner.webhook(&format!("{scheme}://{}/hook", receiver.address), &["*"]).await;
    let id = webhook["id"].as_str().unwrap();
    owner.call(&format!("/v1/webhooks/{id}/test")).await.expect(202);
    let tries = owner.tries(&webhook, 1).await;
    let first = tries.into_iter().find(|one| one["attempt"] == 1).expect("the first try");
    // Nothing more of it.
    owner.patch(&format!("/v1/webhooks/{id}"), json!({"active": false})).await.expect(200);
    first
}

/// What the log says: status, outcome, and the reason.
fn entry(one: &Value) -> (Option<u64>, &str, &str) {
    let text = |name: &str| one[name].as_str().unwrap_or_default();
    (one["responseStatus"].as_u64(), text("status"), text("error"))
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";
const LONG_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
const HEADER: &[u8] =
    b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";

#[tokio::test]
async fn an_answer_without_end_is_read_no_further_than_it_is_kept() {
    let gateway = Gateway::start().await;
    let body = Hostile::start(Trick::Endless(HEAD, &[b'x'; 1024])).await;
    let chunks = Hostile::start(Trick::Endless(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
    ))
    .await;
    let headers = Hostile::start(Trick::Endless(b"HTTP/1.1 200 OK\r\n", HEADER)).await;
    let header = Hostile::start(Trick::Endless(b"HTTP/1.1 200 OK\r\nx-long: ", &[b'a'; 1024])).await;
    let before = signals::resident_kib(gateway.pid());
    // Several of each at once.
    for (receiver, expected) in [
        (&body, (Some(200), "succeeded", "")),
        (&chunks, (Some(200), "succeeded", "")),
        (&headers, (None, "retrying", "no answer: ")),
        (&header, (None, "retrying", "no answer: ")),
    ] {
        let began = Instant::now();
        for one in join_all((0..5).map(|_| first_try(&gateway.admin, "http", receiver))).await {
            let (status, outcome, error) = entry(&one);
            assert_eq!((status, outcome), (expected.0, expected.1), "{one}");
            assert!(error.starts_with(expected.2), "{one}");
            assert!(one["responseBody"].as_str().is_none_or(|body| body.len() == 2048), "{one}");
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
    for receiver in [&body, &chunks, &headers, &header] {
        // What the sockets hold is sent, too; then nobody takes any more.
        let sent = eventually("the connections are closed", async || {
            let sent = receiver.sent();
            tokio::time::sleep(Duration::from_millis(300)).await;
            (receiver.sent() == sent).then_some(sent)
        })
        .await;
        assert!(sent < 5 * 16 * 1024 * 1024, "{sent} bytes were taken");
    }
    let grown = signals::resident_kib(gateway.pid()).saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more memory");
}

#[tokio::test]
async fn an_answer_drop_by_drop_ends_after_fifteen_seconds_wherever_it_is() {
    let gateway = Gateway::start().await;
    let in_status = Hostile::start(Trick::Drip(b"HTTP/1.1 2")).await;
    let in_headers = Hostile::start(Trick::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ")).await;
    let in_body = Hostile::start(Trick::Drip(LONG_HEAD)).await;
    let informing = Hostile::start(Trick::Endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")).await;
    let receivers = [&in_status, &in_headers, &in_body, &informing];
    let tries = join_all(receivers.map(|receiver| first_try(&gateway.admin, "http", receiver))).await;
    let [status, headers, body, informing] = tries.try_into().unwrap();
    assert_eq!(entry(&headers), (None, "retrying", "no answer in time"));
    assert_eq!(entry(&body), (Some(200), "retrying", "the answer did not end in time"));
    assert_eq!(entry(&informing), (None, "retrying", "no answer in time"));
    for one in [&headers, &body, &informing] {
        assert!((14_000..18_000).contains(&one["latencyMs"].as_u64().unwrap()), "{one}");
    }
    // `2xxx…` is no status: that shows at once.
    assert_eq!(entry(&status).1, "retrying", "{status}");
    assert!(status["latencyMs"].as_u64().unwrap() < 18_000, "{status}");
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_that_says_so() {
    let gateway = Gateway::start().await;
    for (scheme, answer, reason) in [
        ("http", &b""[..], "no answer: "),
        ("http", b"HTTP/1.1 200 OK\r\ncontent-le", "no answer: "),
        ("http", b"SSH-2.0-OpenSSH_9.2p1\r\n", "no answer: "),
        ("http", b"HTTP/1.1 999999 OK\r\n\r\n", "no answer: "),
        ("http", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!", "no answer: "),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP", "no connection: "),
        ("https", b"", "no connection: "),
    ] {
        let receiver = Hostile::start(Trick::Close(answer)).await;
        let one = first_try(&gateway.admin, scheme, &receiver).await;
        let (status, outcome, error) = entry(&one);
        assert_eq!((status, outcome), (None, "retrying"), "{one}");
        assert!(error.starts_with(reason) && error.len() > reason.len(), "{one}");
        assert!(!error.contains(&receiver.address), "{one}");
        assert!(one["latencyMs"].as_u64().unwrap() < 6_000, "{one}");
    }
}
