//! How Kurir sets up the library's client: what it needs, and nothing else.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use whatsapp_rust::{
    CacheConfig, CacheEntryConfig, MsgSecretPolicy, TokioRuntime, anyhow, async_channel,
    bot::Bot,
    transport::{Transport, TransportEvent, TransportFactory},
    wacore::store::{DevicePropsOverride, traits::DeviceStore},
    waproto::whatsapp::device_props::PlatformType,
};

use super::{Inbox, OpenError, Shared, http::NoHttp, inbound::InboxHook, listener::Listener};
use crate::session_store::SessionStore;

/// So many sent messages are kept in memory for resending; with any number at all, the library no
/// longer waits for the copy in the store before it goes on.
const RECENT_MESSAGES: CacheEntryConfig =
    CacheEntryConfig { timeout: Some(Duration::from_secs(300)), capacity: 128 };

/// Builds a client for the device whose keys these are. It does nothing before it is started.
pub(super) async fn build(
    shared: &Shared,
    keys: Arc<SessionStore>,
    inbox: Arc<dyn Inbox>,
    listener: Listener,
) -> Result<Bot, OpenError> {
    let device = keys.load().await.map_err(|error| OpenError::Keys(error.to_string()))?;
    let linked = device.is_some_and(|device| device.pn.is_some());
    let bot = Bot::builder()
        .with_backend_arc(keys)
        .with_transport_factory(SharedTransport(shared.transport.clone()))
        .with_http_client(NoHttp)
        .with_runtime(TokioRuntime)
        // Without it every socket fetches a page from WhatsApp to learn the version.
        .with_version(shared.config.version)
        .skip_history_sync()
        .with_cache_config(CacheConfig {
            recent_messages: RECENT_MESSAGES,
            // Only replies to polls and encrypted edits need them, and Kurir shows neither.
            msg_secret_policy: MsgSecretPolicy::Disabled,
            seed_msg_secrets_from_history: false,
            ..CacheConfig::default()
        })
        .with_inbound_durability_hook(InboxHook(inbox))
        .with_event_handler(listener);
    // Told at pairing only; setting it later would write the device's row for nothing.
    let bot = if linked { bot } else { bot.with_device_props(device_props(&shared.config.device_name)) };
    bot.build().await.map_err(|error| OpenError::Library(error.to_string()))
}

/// What the phone shows in its list of linked devices.
fn device_props(name: &str) -> DevicePropsOverride {
    DevicePropsOverride::new().with_os(name).with_platform_type(PlatformType::DESKTOP)
}

/// One transport factory, with its TLS roots, for all clients.
struct SharedTransport(Arc<dyn TransportFactory>);

#[async_trait]
impl TransportFactory for SharedTransport {
    async fn create_transport(
        &self,
    ) -> Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>), anyhow::Error> {
        self.0.create_transport().await
    }
}
