//! The protocol library on its own, with its store in memory and no queue: what the connector is measured
//! against (docs/benchmarks.md). A process of its own, led by `tests/bench` over its standard input and output:
//!
//! ```text
//! library_alone <ws://…> <clients>
//! → qr <client> <text>                     to be scanned by a phone
//! → linked <client>
//! ← send <messages of each chat> <name> <number>…
//! → sent <messages>                        all of them are acknowledged
//! ```
//!
//! Each client sends as a device's lane does: one message at a time, the next when the server has
//! acknowledged the one before.
#![cfg(feature = "sandbox")]

use std::{io::Write, sync::Arc};

use tokio::io::{AsyncBufReadExt, BufReader};
use whatsapp_rust::{
    CacheConfig, CacheEntryConfig, Jid, MsgSecretPolicy, SendOptions, TokioRuntime,
    async_channel::Receiver,
    http::{HttpClient, HttpRequest, HttpResponse},
    prelude::{Bot, BotHandle, Client as Library},
    transport::TokioWebSocketTransportFactory,
    wacore::{
        proto_helpers::MessageBuilderExt,
        store::InMemoryBackend,
        types::events::{ChannelEventHandler, Event},
    },
    waproto::whatsapp::Message,
};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the server's address");
    let clients: usize = arguments.next().and_then(|text| text.parse().ok()).expect("how many clients");
    let clients = futures::future::join_all((0..clients).map(async |n| Client::linked(&url, n).await)).await;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("send"), "{line}");
        let per_chat: usize = words.next().and_then(|text| text.parse().ok()).expect("how many messages");
        let name = words.next().expect("a name");
        let numbers: Vec<&str> = words.collect();
        let sending = clients.iter().map(async |client| client.send(per_chat, name, &numbers).await);
        futures::future::join_all(sending).await;
        say(&format!("sent {}", clients.len() * per_chat * numbers.len()));
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("somebody listens");
}

struct NoHttp;

#[whatsapp_rust::async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _: HttpRequest) -> whatsapp_rust::anyhow::Result<HttpResponse> {
        Ok(HttpResponse { status_code: 404, body: Vec::new() })
    }
}

/// A linked client.
struct Client {
    n: usize,
    library: Arc<Library>,
    events: Receiver<Arc<Event>>,
    _handle: BotHandle,
}

impl Client {
    /// Set up as `connector/whatsapp/client.rs` does, but for the store.
    async fn linked(url: &str, n: usize) -> Self {
        let recent = CacheEntryConfig { timeout: Some(std::time::Duration::from_secs(300)), capacity: 128 };
        let bot = Bot::builder()
            .with_backend_arc(Arc::new(InMemoryBackend::new()))
            .with_transport_factory(TokioWebSocketTransportFactory::new().with_url(url.to_owned()))
            .with_http_client(NoHttp)
            .with_runtime(TokioRuntime)
            .with_version((2, 3000, 1_030_000_000))
            .skip_history_sync()
            .with_cache_config(CacheConfig {
                recent_messages: recent,
                msg_secret_policy: MsgSecretPolicy::Disabled,
                seed_msg_secrets_from_history: false,
                ..CacheConfig::default()
            })
            .build()
            .await
            .expect("a client");
        let library = bot.client();
        let (handler, events) = ChannelEventHandler::new();
        library.subscribe_handler(handler).detach();
        let client = Self { n, library, events, _handle: bot.spawn() };
        let mut shown = false;
        loop {
            match &*client.event().await {
                Event::PairingQrCode(qr) if !shown => {
                    shown = true;
                    say(&format!("qr {n} {}", qr.code));
                }
                Event::Connected(_) => break,
                _ => {}
            }
        }
        say(&format!("linked {n}"));
        client
    }

    async fn event(&self) -> Arc<Event> {
        self.events.recv().await.expect("the library runs")
    }

    async fn send(&self, per_chat: usize, name: &str, numbers: &[&str]) {
        for seq in 0..per_chat {
            for number in numbers {
                let to: Jid = format!("{number}@s.whatsapp.net").parse().expect("a JID");
                let text = format!("{name} from {} to {number}: number {seq}", self.n);
                let id = self.library.generate_message_id();
                let options = SendOptions::default().with_message_id(id.clone());
                let sent = self.library.send_message_with_options(to, Message::text(text), options).await;
                sent.expect("it is sent");
                self.acknowledged(&id).await;
            }
        }
    }

    async fn acknowledged(&self, id: &str) {
        loop {
            if let Event::ServerAck(ack) = &*self.event().await
                && ack.id == id
            {
                assert_eq!(ack.error, None, "the server refused {id}");
                return;
            }
        }
    }
}
