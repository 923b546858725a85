//! Serving HTTP on a loopback port so that nobody can use it up: connections are counted, and those that do not get
//! on with it end.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use functions::error::Problem;
use futures::{StreamExt, stream};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

/// How long the body of a request may take to arrive.
const BODY: Duration = Duration::from_secs(30);

/// The longest that a stop waits for requests under way.
const DRAIN: Duration = Duration::from_secs(22);

/// How many connections beyond the limit are told so at a time; more are closed without a word.
const REFUSALS: usize = 64;

/// How long one of them may take to hear it.
const REFUSAL: Duration = Duration::from_secs(2);

/// The pause after a connection could not be taken: no files are left, which others' ends mend.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What a server takes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at a time. Those that became web sockets are no longer counted.
    pub connections: usize,
    /// How long a connection may be without a whole head of a request: at its beginning, and between two requests.
    pub idle: Duration,
}

/// A bound port.
pub(crate) struct Listener {
    socket: TcpListener,
    pub address: SocketAddr,
}

impl Listener {
    /// Takes a port of 127.0.0.1; 0 takes a free one.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }
}

/// A router being served.
pub(crate) struct Server {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub fn start(listener: Listener, router: Router, limits: Limits) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener.socket, router, limits, stop.clone()));
        Self { stop, task }
    }

    /// Takes no more requests and waits for those under way.
    pub async fn stop(self) {
        self.stop.cancel();
        if timeout(DRAIN, self.task).await.is_err() {
            tracing::warn!("requests were still under way when the gateway had to stop");
        }
    }
}

async fn serve(socket: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.idle);
    let mut services = router.into_make_service_with_connect_info::<SocketAddr>();
    let room = Arc::new(Semaphore::new(limits.connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let open = TaskTracker::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(EXHAUSTED).await;
                    continue;
                }
            },
        };
        let Ok(counted) = room.clone().try_acquire_owned() else {
            if let Ok(telling) = refusals.clone().try_acquire_owned() {
                open.spawn(async move {
                    let _told = timeout(REFUSAL, refuse(stream)).await;
                    drop(telling);
                });
            }
            continue;
        };
        let Ok(service) = services.call(peer).await;
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let stop = stop.clone();
        open.spawn(async move {
            let mut connection = pin!(connection);
            // A client that goes away in the middle is no fault of ours.
            tokio::select! {
                _ended = connection.as_mut() => {}
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ended = connection.await;
                }
            }
            drop(counted);
        });
    }
    drop(socket);
    open.close();
    open.wait().await;
}

/// Answers whatever comes that there are too many, and closes.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    let detail = "the gateway has as many connections as it takes; try again in a moment";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", detail);
    let body = serde_json::to_string(&problem)?;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing on a request that was not read would take the answer back.
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

/// Ends requests whose bodies do not arrive in time.
pub(crate) fn with_bodies_in_time(router: Router) -> Router {
    router.layer(from_fn(body_in_time))
}

async fn body_in_time(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (deadline, late) = (Instant::now() + BODY, Arc::new(AtomicBool::new(false)));
    let is_late = late.clone();
    let request = request.map(|body| {
        let pieces = stream::unfold(body.into_data_stream(), move |mut body| {
            let late = late.clone();
            async move {
                match timeout_at(deadline, body.next()).await {
                    Ok(piece) => Some((piece?.map_err(io::Error::other), body)),
                    Err(_) => {
                        late.store(true, Ordering::Relaxed);
                        Some((Err(io::ErrorKind::TimedOut.into()), body))
                    }
                }
            }
        });
        Body::from_stream(pieces)
    });
    let response = next.run(request).await;
    if !is_late.load(Ordering::Relaxed) {
        return response;
    }
    let detail = format!("the body of the request did not arrive within {} s", BODY.as_secs());
    let mut response = Problem::new(StatusCode::REQUEST_TIMEOUT, "body_late", detail).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
