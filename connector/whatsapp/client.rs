//! How Kurir sets up the library's client: what it needs, and nothing else.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use whatsapp_rust::{
    CacheConfig, CacheEntryConfig, MsgSecretPolicy,
    bot::Bot,
    types::events::Event,
    wacore::store::{DevicePropsOverride, traits::DeviceStore},
    waproto::whatsapp::device_props::PlatformType,
};

use super::{
    Inbox, OpenError,
    endpoint::Endpoint,
    http::NoHttp,
    inbound::InboxHook,
    listener::{Listener, Sinks},
    own_copies::OwnCopies,
    own_retries::OwnRetries,
    tasks::Tasks,
    transport::HeldBack,
};
use crate::session_store::SessionStore;

/// So many sent messages are kept in memory for resending; with any number at all, the library no
/// longer waits for the copy in the store before it goes on.
const RECENT_MESSAGES: CacheEntryConfig =
    CacheEntryConfig { timeout: Some(Duration::from_secs(300)), capacity: 128 };

/// A client that waits to be started, and the events of its connection.
pub(super) type Ready = (Bot, mpsc::Receiver<Arc<Event>>);

/// Builds a client for the device whose keys these are. It does nothing before it is started.
pub(super) async fn build(
    endpoint: &Endpoint,
    keys: Arc<SessionStore>,
    inbox: Arc<dyn Inbox>,
    sinks: Sinks,
) -> Result<Ready, OpenError> {
    let device = keys.load().await.map_err(|error| OpenError::Keys(error.to_string()))?;
    let linked = device.is_some_and(|device| device.pn.is_some());
    let tasks = Tasks::new(sinks.retries.clone());
    let choice = tasks.choice();
    let bot = Bot::builder()
        .with_backend_arc(keys.clone())
        .with_transport_factory(HeldBack {
            factory: endpoint.transport.clone(),
            arrivals: sinks.arrivals.clone(),
        })
        .with_http_client(NoHttp)
        .with_runtime(tasks)
        // Without it every socket fetches a page from WhatsApp to learn the version.
        .with_version(endpoint.config.version)
        .skip_history_sync()
        .with_cache_config(CacheConfig {
            recent_messages: RECENT_MESSAGES,
            // Only replies to polls and encrypted edits need them, and Kurir shows neither.
            msg_secret_policy: MsgSecretPolicy::Disabled,
            seed_msg_secrets_from_history: false,
            ..CacheConfig::default()
        })
        .with_inbound_durability_hook(InboxHook(inbox));
    // Told at pairing only; setting it later would write the device's row for nothing.
    let bot = if linked { bot } else { bot.with_device_props(device_props(&endpoint.config.device_name)) };
    let bot = bot.build().await.map_err(|error| OpenError::Library(error.to_string()))?;
    let client = bot.client();
    let (weak, retries) = (Arc::downgrade(&client), &sinks.retries);
    let own_retries = OwnRetries::start(weak.clone(), keys.clone(), choice, retries.clone());
    let own_copies = OwnCopies::start(weak, keys, retries.clone(), sinks.noting.clone());
    let (listener, events) = Listener::new(&client, sinks, own_retries, own_copies);
    client.subscribe_handler(Arc::new(listener)).detach();
    Ok((bot, events))
}

/// What the phone shows in its list of linked devices.
fn device_props(name: &str) -> DevicePropsOverride {
    DevicePropsOverride::new().with_os(name).with_platform_type(PlatformType::DESKTOP)
}
