//! A sandbox on a free port, its control API, and clients.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use localstack::whatsapp::Sandbox;
use serde_json::{Value, json};
use shared::clock::{SharedClock, SystemClock};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle, time::timeout};
use tower::ServiceExt;
use whatsapp_rust::{
    Jid, RawNodeLease, SendOptions, TokioRuntime,
    async_channel::Receiver,
    http::{HttpClient, HttpRequest, HttpResponse},
    prelude::{Bot, BotHandle, Client as Library},
    transport::TokioWebSocketTransportFactory,
    wacore::{
        proto_helpers::MessageBuilderExt,
        store::InMemoryBackend,
        types::events::{ChannelEventHandler, Event},
    },
    wacore_binary::Node,
    waproto::whatsapp::Message,
};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running sandbox.
pub struct Net {
    pub sandbox: Arc<Sandbox>,
    control: Router,
    address: SocketAddr,
    server: JoinHandle<()>,
    folder: Option<TempDir>,
}

impl Net {
    pub async fn start() -> Self {
        Self::start_at(Arc::new(SystemClock)).await
    }

    /// A sandbox with a clock of the test's.
    pub async fn start_at(clock: SharedClock) -> Self {
        Self::open(tempfile::tempdir().unwrap(), "127.0.0.1:0".parse().unwrap(), clock).await
    }

    async fn open(folder: TempDir, address: SocketAddr, clock: SharedClock) -> Self {
        let sandbox = Sandbox::open_with_clock(folder.path(), clock).await.unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = sandbox.server_router();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let control = sandbox.control_router();
        Self { sandbox, control, address, server, folder: Some(folder) }
    }

    /// Stops and starts again from what is on disk, on the same port.
    pub async fn restart(mut self) -> Self {
        let folder = self.folder.take().unwrap();
        self.shut().await;
        Self::open(folder, self.address, Arc::new(SystemClock)).await
    }

    /// A sandbox without a memory, on the port of another.
    pub async fn replace(mut self) -> Self {
        self.shut().await;
        Self::open(tempfile::tempdir().unwrap(), self.address, Arc::new(SystemClock)).await
    }

    async fn shut(&mut self) {
        self.server.abort();
        // The port is free only when the task has gone.
        let _ = (&mut self.server).await;
        self.sandbox.close().await;
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws/chat", self.address)
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/sandbox{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let response = self.control.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.call("POST", path, body).await;
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    pub async fn phone(&self, number: &str) -> Value {
        self.post("/phones", json!({"number": number, "name": format!("Phone {number}")})).await
    }

    /// The phone sends a text; returns the message's id.
    pub async fn says(&self, number: &str, to: &str, body: &str) -> String {
        let message = json!({"to": to, "type": "text", "text": {"body": body}});
        let sent = self.post(&format!("/phones/{number}/messages"), message).await;
        sent["id"].as_str().unwrap().to_owned()
    }

    pub async fn messages(&self, number: &str) -> Vec<Value> {
        let list = self.get(&format!("/phones/{number}/messages")).await;
        list["items"].as_array().unwrap().clone()
    }

    /// Waits until the phone shows a message that is so.
    pub async fn shown(&self, number: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let found = timeout(PATIENCE, async {
            loop {
                if let Some(message) = self.messages(number).await.into_iter().find(&is_so) {
                    return message;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        match found.await {
            Ok(message) => message,
            Err(_) => panic!("{number} shows only {:#?}", self.messages(number).await),
        }
    }

    pub async fn shown_with_status(&self, number: &str, id: &str, status: &str) -> Value {
        self.shown(number, |message| message["id"] == id && message["status"] == status).await
    }

    pub async fn links(&self, number: &str) -> Vec<Value> {
        self.get(&format!("/phones/{number}")).await["links"].as_array().unwrap().clone()
    }

    pub async fn unlinked(&self, number: &str, count: usize) {
        until("the links are gone", async || self.links(number).await.len() == count).await;
    }
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "not seen: {what}");
}

struct NoHttp;

#[whatsapp_rust::async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _: HttpRequest) -> whatsapp_rust::anyhow::Result<HttpResponse> {
        Ok(HttpResponse { status_code: 404, body: Vec::new() })
    }
}

/// A linked or linking client.
pub struct Client {
    pub library: Arc<Library>,
    pub backend: Arc<InMemoryBackend>,
    events: Receiver<Arc<Event>>,
    /// Events that came before the one that was waited for.
    passed: Mutex<Vec<Arc<Event>>>,
    handle: BotHandle,
}

impl Client {
    /// Starts with what the backend remembers.
    pub async fn start(net: &Net, backend: Arc<InMemoryBackend>) -> Self {
        Self::connect(net.url(), backend).await
    }

    pub async fn connect(url: String, backend: Arc<InMemoryBackend>) -> Self {
        let bot = Bot::builder()
            .with_backend_arc(backend.clone())
            .with_transport_factory(TokioWebSocketTransportFactory::new().with_url(url))
            .with_http_client(NoHttp)
            .with_runtime(TokioRuntime)
            .with_version((2, 3000, 1_030_000_000))
            .with_push_name("client")
            .with_wanted_pre_key_count(50)
            .build()
            .await
            .unwrap();
        let library = bot.client();
        let (handler, events) = ChannelEventHandler::new();
        library.subscribe_handler(handler).detach();
        let handle = bot.spawn();
        Self { library, backend, events, passed: Mutex::default(), handle }
    }

    pub async fn fresh(net: &Net) -> Self {
        Self::start(net, Arc::new(InMemoryBackend::new())).await
    }

    /// A client that the phone of `number` has linked by QR code, logged in.
    pub async fn linked(net: &Net, number: &str) -> Self {
        let client = Self::fresh(net).await;
        client.link(net, number).await;
        client
    }

    pub async fn link(&self, net: &Net, number: &str) -> Value {
        let qr = self.qr().await;
        let linked = net.post(&format!("/phones/{number}/scan"), json!({"qr": qr})).await;
        self.connected().await;
        linked
    }

    /// The text of the QR code that the client shows first.
    pub async fn qr(&self) -> String {
        let event = self.event("a QR code", |event| matches!(event, Event::PairingQrCode(_))).await;
        match &*event {
            Event::PairingQrCode(qr) => qr.code.clone(),
            _ => unreachable!(),
        }
    }

    pub async fn connected(&self) {
        self.event("connected", |event| matches!(event, Event::Connected(_))).await;
    }

    /// The next event that is wanted. The library reports events of different kinds in no certain
    /// order, so others before it are kept for later.
    pub async fn event(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Arc<Event> {
        let mut passed = self.passed.lock().await;
        if let Some(at) = passed.iter().position(|event| wanted(event)) {
            return passed.remove(at);
        }
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.unwrap();
                if wanted(&event) {
                    return event;
                }
                passed.push(event);
            }
        });
        found.await.unwrap_or_else(|_| panic!("not seen: {what}"))
    }

    /// Waits for a text and returns the event with it.
    pub async fn hears(&self, body: &str) -> Arc<Event> {
        self.event(body, |event| {
            event.messages().any(|message| message.message.conversation.as_deref() == Some(body))
        })
        .await
    }

    /// Sends a text; returns its id.
    pub async fn says(&self, to: &str, body: &str) -> String {
        let to: Jid = to.parse().unwrap();
        let sent = self.library.send_text(to, body).await.unwrap();
        sent.message_id.to_string()
    }

    /// Sends a text; `None` when there is no connection to send it on.
    pub async fn try_says(&self, to: &str, body: &str) -> Option<String> {
        let to: Jid = to.parse().unwrap();
        let sent = timeout(Duration::from_secs(5), self.library.send_text(to, body)).await.ok()?.ok()?;
        Some(sent.message_id.to_string())
    }

    /// Which of these messages the server has taken, as far as is known by now.
    pub async fn acknowledged_among(&self, ids: &[String]) -> Vec<String> {
        self.gather().await;
        let passed = self.passed.lock().await;
        let acks = passed.iter().filter_map(|event| match &**event {
            Event::ServerAck(ack) if ack.error.is_none() => Some(&ack.id),
            _ => None,
        });
        acks.filter(|id| ids.contains(*id)).cloned().collect()
    }

    /// The texts that have come and that nobody waited for. Kept messages come many in one event.
    pub async fn heard(&self) -> Vec<String> {
        self.gather().await;
        let passed = self.passed.lock().await;
        let messages = passed.iter().flat_map(|event| event.messages());
        messages.filter_map(|message| message.message.conversation.clone()).collect()
    }

    /// How many events of a kind have come that nobody waited for.
    pub async fn seen(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.gather().await;
        self.passed.lock().await.iter().filter(|event| wanted(event)).count()
    }

    async fn gather(&self) {
        let mut passed = self.passed.lock().await;
        while let Ok(event) = self.events.try_recv() {
            passed.push(event);
        }
    }

    pub async fn says_as(&self, to: &str, body: &str, id: &str) {
        let to: Jid = to.parse().unwrap();
        let options = SendOptions::default().with_message_id(id);
        self.library.send_message_with_options(to, Message::text(body), options).await.unwrap();
    }

    /// Sends a stanza as it is and waits for its answer: the first that has its id.
    pub async fn asks(&self, request: Node) -> Node {
        let _all = self.listens();
        let id = request.attrs.get("id").unwrap().as_str().into_owned();
        self.library.send_node(request).await.unwrap();
        self.stanza("an answer", |stanza| attr(stanza, "id") == id).await
    }

    /// From now on every stanza of the server's is an event, until this is dropped.
    pub fn listens(&self) -> RawNodeLease {
        self.library.acquire_raw_node_forwarding()
    }

    /// Waits for a stanza of the server's; for that the client has to listen.
    pub async fn stanza(&self, what: &str, wanted: impl Fn(&Node) -> bool) -> Node {
        let event = self.event(what, |event| match event {
            Event::RawNode(node) => wanted(&node.to_owned_node()),
            _ => false,
        });
        match &*event.await {
            Event::RawNode(node) => node.to_owned_node(),
            _ => unreachable!(),
        }
    }

    /// Waits for a receipt of this kind for this message.
    pub async fn receipt(&self, id: &str, kind: &str) {
        self.event(&format!("{kind} receipt"), |event| match event {
            Event::Receipt(receipt) => {
                format!("{:?}", receipt.r#type) == kind
                    && receipt.message_ids.iter().any(|one| *one.to_string() == *id)
            }
            _ => false,
        })
        .await;
    }

    /// Waits for the server's word on a message: `None` for taken, else the code.
    pub async fn acknowledged(&self, id: &str) -> Option<String> {
        let event =
            self.event("an ack", |event| matches!(event, Event::ServerAck(ack) if ack.id == id)).await;
        match &*event {
            Event::ServerAck(ack) => ack.error.clone(),
            _ => unreachable!(),
        }
    }

    /// Ends the client's process, so to speak, and returns what it remembers.
    pub async fn stop(self) -> Arc<InMemoryBackend> {
        self.handle.shutdown().await;
        self.backend
    }
}

/// An attribute of a stanza as text; empty when it has none.
pub fn attr(stanza: &Node, name: &str) -> String {
    stanza.attrs.get(name).map(|value| value.as_str().into_owned()).unwrap_or_default()
}

/// The JID of a number.
pub fn jid(number: &str) -> String {
    format!("{number}@s.whatsapp.net")
}
