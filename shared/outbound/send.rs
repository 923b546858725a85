//! A request, and as much of its answer as is wanted.

use std::{error::Error, time::Duration};

use http::HeaderMap;
use reqwest::{Client, Method, redirect};

use super::{Inner, Outbound, Refusal, install_ring, lookup::CheckedLookup};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);

/// What Kurir calls itself.
const USER_AGENT: &str = concat!("Kurir/", env!("CARGO_PKG_VERSION"));

/// A request to an address that a tenant gave.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a str,
    /// With which headers.
    pub headers: HeaderMap,
    /// With what.
    pub body: Vec<u8>,
    /// How long it may take from beginning to end.
    pub timeout: Duration,
    /// How much of the answer is read; the rest is not wanted.
    pub max_body: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// Whether there is more.
    pub is_cut: bool,
    /// What went wrong in the middle of the body, when it ended before its end.
    pub broken: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address may not be asked.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// Anything else on the way.
    #[error("no answer: {0}")]
    Broken(String),
}

impl Outbound {
    /// Sends a request. Redirects are answers like others.
    ///
    /// # Errors
    /// [`SendError`] when there is no answer.
    pub async fn send(&self, request: Request<'_>) -> Result<Reply, SendError> {
        let url = self.0.policy.check(request.url)?;
        let sending = self
            .0
            .client()
            .request(request.method, url)
            .headers(request.headers)
            .timeout(request.timeout)
            .body(request.body);
        let mut response = sending.send().await.map_err(why)?;
        let mut reply =
            Reply { status: response.status().as_u16(), body: Vec::new(), is_cut: false, broken: None };
        while !reply.is_cut {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = request.max_body - reply.body.len();
                    reply.is_cut = chunk.len() > room;
                    reply.body.extend(chunk.iter().take(room));
                }
                Ok(None) => break,
                Err(error) => {
                    reply.broken = Some(match why(error) {
                        SendError::Timeout => "the answer did not end in time".into(),
                        other => format!("the answer ended early: {other}"),
                    });
                    break;
                }
            }
        }
        Ok(reply)
    }
}

impl Inner {
    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            install_ring();
            let lookup = || CheckedLookup { policy: self.policy.clone(), lookup: self.lookup.clone() };
            let builder = || {
                Client::builder()
                    .dns_resolver(lookup())
                    // A proxy would make connections that nobody checked.
                    .no_proxy()
                    .redirect(redirect::Policy::none())
                    .connect_timeout(CONNECT)
                    .pool_idle_timeout(IDLE)
                    .pool_max_idle_per_host(8)
                    .user_agent(USER_AGENT)
            };
            builder().build().unwrap_or_else(|error| {
                let error = &error as &dyn Error;
                tracing::warn!(
                    error,
                    "no certificates of this system can be used: https to webhooks will fail"
                );
                builder().tls_certs_only([]).build().expect("nothing of this depends on the system")
            })
        })
    }
}

/// What went wrong, without the URL, which may hold secrets.
fn why(error: reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Timeout;
    }
    let is_connect = error.is_connect();
    let error = error.without_url();
    let mut causes = Vec::new();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return SendError::Refused(refusal.clone());
        }
        causes.push(error.to_string());
        cause = error.source();
    }
    // The last cause is what happened; the ones before say where.
    let last = causes.pop().unwrap_or_default();
    if is_connect { SendError::Connect(last) } else { SendError::Broken(last) }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        io,
        net::{IpAddr, SocketAddr},
        sync::{Arc, Mutex},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::outbound::{Lookup, UrlPolicy, lookup::Found};

    /// Answers what it is told to, one after another; how often it was asked is what is left.
    struct Told(Mutex<VecDeque<&'static str>>);

    impl Lookup for Told {
        fn addresses<'a>(&'a self, _: &'a str) -> Found<'a> {
            let next = self.0.lock().unwrap().pop_front();
            Box::pin(async move {
                let text = next.ok_or_else(|| io::Error::other("nobody knows"))?;
                Ok(text.split(' ').map(|ip| ip.parse::<IpAddr>().unwrap()).collect())
            })
        }
    }

    fn outbound(policy: UrlPolicy, answers: &[&'static str]) -> (Outbound, Arc<Told>) {
        let told = Arc::new(Told(Mutex::new(answers.iter().copied().collect())));
        (Outbound::with_lookup(policy, told.clone()), told)
    }

    /// A server that answers the same to everybody and then closes.
    async fn server(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4096];
                let _read = stream.read(&mut buffer).await;
                let _written = stream.write_all(answer).await;
            }
        });
        at
    }

    fn get(url: &str) -> Request<'_> {
        Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(2),
            max_body: 16,
        }
    }

    const STRICT: UrlPolicy = UrlPolicy { allow_http: true, allow_loopback: false, own_ports: Vec::new() };
    const SANDBOX: UrlPolicy = UrlPolicy { allow_http: true, allow_loopback: true, own_ports: Vec::new() };

    #[tokio::test]
    async fn the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_once() {
        let at = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let (outbound, told) = outbound(SANDBOX, &["127.0.0.1", "10.0.0.1"]);
        let url = format!("http://hook.example:{}/", at.port());
        let reply = outbound.send(get(&url)).await.unwrap();
        assert_eq!((reply.status, reply.body.as_slice(), reply.broken), (200, b"ok".as_slice(), None));
        assert_eq!(told.0.lock().unwrap().len(), 1, "a second look could see another address");
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused_without_a_connection() {
        let at = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let url = format!("http://hook.example:{}/", at.port());
        for addresses in ["127.0.0.1", "10.0.0.1", "8.8.8.8 127.0.0.1", "::1", "::ffff:169.254.169.254"] {
            let (outbound, _) = outbound(STRICT, &[addresses, addresses]);
            assert!(matches!(outbound.check(&url).await, Err(Refusal::NotPublic(_))), "{addresses}");
            let sent = outbound.send(get(&url)).await;
            assert!(matches!(sent, Err(SendError::Refused(Refusal::NotPublic(_)))), "{addresses}: {sent:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_turned_private_since_the_check_is_refused() {
        let (outbound, _) = outbound(STRICT, &["8.8.8.8", "127.0.0.1"]);
        outbound.check("http://hook.example/").await.unwrap();
        let refused = outbound.send(get("http://hook.example/")).await.unwrap_err();
        assert!(matches!(refused, SendError::Refused(Refusal::NotPublic(_))), "{refused:?}");
        // The log of deliveries says no more than that: what the name leads to is nobody's business.
        assert_eq!(refused.to_string(), "hook.example is not a public address");
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_passes_the_check_and_fails_when_asked() {
        let (outbound, _) = outbound(STRICT, &[]);
        outbound.check("http://hook.example/").await.unwrap();
        let sent = outbound.send(get("http://hook.example/")).await;
        assert!(matches!(&sent, Err(SendError::Connect(why)) if why.contains("nobody knows")), "{sent:?}");
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let at =
            server(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
        let (outbound, _) = outbound(SANDBOX, &[]);
        assert_eq!(outbound.send(get(&format!("http://{at}/"))).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn no_more_of_an_answer_is_read_than_is_wanted() {
        let at = server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n0123456789abcdefghij").await;
        let (outbound, _) = outbound(SANDBOX, &[]);
        let reply = outbound.send(get(&format!("http://{at}/"))).await.unwrap();
        assert_eq!(
            (reply.body.as_slice(), reply.is_cut, reply.broken),
            (b"0123456789abcdef".as_slice(), true, None)
        );
    }

    #[tokio::test]
    async fn an_answer_that_ends_early_says_so() {
        let at = server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        let (outbound, _) = outbound(SANDBOX, &[]);
        let reply = outbound.send(get(&format!("http://{at}/"))).await.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"half".as_slice()));
        assert!(reply.broken.is_some_and(|why| why.contains("ended early")));
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (outbound, _) = outbound(SANDBOX, &[]);
        let request = Request { timeout: Duration::from_millis(200), ..get(&url) };
        assert!(matches!(outbound.send(request).await, Err(SendError::Timeout)));
    }

    #[tokio::test]
    async fn an_error_does_not_tell_the_url() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/?token=hidden", listener.local_addr().unwrap());
        drop(listener);
        let (outbound, _) = outbound(SANDBOX, &[]);
        let error = outbound.send(get(&url)).await.unwrap_err();
        assert!(matches!(error, SendError::Connect(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hidden"));
    }
}
