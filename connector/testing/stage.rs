//! A shard's surroundings, with devices and messages in it.

use std::{sync::Arc, time::Duration};

use shared::{
    config::{AwsConfig, Config},
    crypto::MasterKey,
    domain::{
        content::Content,
        device::{Desired, Device, DeviceStatus, OnRelink},
        ids::{DeviceId, MessageId, TenantId},
        jid::Jid,
        lane::Lane,
        message::{Direction, Message, MessageStatus, Priority},
        pacing::Pacing,
        retention::Retention,
    },
    queue::{
        self, QueueKind, Received,
        payloads::{SendMessageV1, SendPayload},
    },
    secret::Secret,
    services::Context,
    store::{self, devices, lanes, messages},
};

use tokio::time::Instant;

use super::{Cloud, FakeWhatsApp, clock::PausedClock};
use crate::{
    inbound::KnownContacts,
    outbound::Progress,
    ownership::{Assignment, Lease},
    session_count::SessionCount,
    session_store::{CommitSettings, SessionStores, testing::link},
    worker::Worker,
};

/// The shard that devices of tests lie in.
const SHARD: u16 = 0;

/// How long something may take that is waited for.
const EVENTUALLY: Duration = Duration::from_secs(120);

/// A worker without a network, and what it works on.
pub(crate) struct Stage {
    pub worker: Worker,
    pub cloud: Cloud,
    pub whatsapp: Arc<FakeWhatsApp>,
    /// The right to serve the shard.
    pub lease: Lease,
}

/// No limits and no pauses.
pub(crate) fn unlimited() -> Pacing {
    Pacing { min_delay_ms: 0, max_delay_ms: 0, per_minute: 0, per_hour: 0, per_recipient_per_hour: 0 }
}

impl Stage {
    /// With all tables and queues, and nothing in them.
    pub async fn new() -> Self {
        let (cloud, whatsapp) = (Cloud::new(), Arc::new(FakeWhatsApp::new()));
        let aws = AwsConfig { local_key: Some(Secret::new("test")), ..AwsConfig::default() };
        let mut config = Config::with(aws, MasterKey::generate()).expect("an environment without settings");
        config.shards = 1;
        let sdk = shared::aws::sdk_config(&config.aws).await;
        let sdk = sdk.into_builder().http_client(cloud.http_client()).build();
        let ctx = Context::over(&sdk, &config, Arc::new(PausedClock::new())).expect("derived keys");
        store::tables::create_missing(&ctx.db).await.expect("tables");
        queue::create_missing(&ctx.queues).await.expect("queues");
        let sealer = config.master_key.sealer("session-keys");
        let keys = SessionStores::new(ctx.db.clone(), sealer, ctx.clock.clone(), CommitSettings::default());
        let worker = Worker {
            keys,
            connections: whatsapp.clone(),
            rate_limit_pause: Duration::from_secs(60),
            contacts: KnownContacts::default(),
            sessions: SessionCount::default(),
            progress: Progress::start(ctx.clone()),
            ctx,
        };
        cloud.requests();
        Self { worker, cloud, whatsapp, lease: Lease::forever(SHARD, 1) }
    }

    /// A device whose owner wants it connected, and that may send without limits; with what `change` changes.
    pub async fn device(&self, change: impl FnOnce(&mut Device)) -> Assignment {
        let now = self.worker.ctx.now();
        let mut device = Device {
            aliases: Default::default(),
            id: DeviceId::generate(now),
            account_id: TenantId::generate(now),
            name: "Shop".into(),
            status: DeviceStatus::Connecting,
            desired: Desired::Connected,
            phone_number: None,
            lid: None,
            push_name: None,
            shard: SHARD,
            paused: false,
            send_rules: 0,
            outbox_gap: None,
            pacing: unlimited(),
            numbers: Vec::new(),
            generation: 0,
            allow_number_change: false,
            on_relink: OnRelink::default(),
            last_seen_at: None,
            last_error: None,
            qr: None,
            created_at: now,
            updated_at: now,
        };
        change(&mut device);
        devices::create(&self.worker.ctx.db, &device, None).await.expect("a device");
        self.assignment(&device)
    }

    fn assignment(&self, device: &Device) -> Assignment {
        let Device { account_id: tenant, id: device, shard, .. } = *device;
        Assignment { tenant, device, shard, lease: self.lease.clone() }
    }

    /// Has the keys of a link, as if a phone had linked the device before.
    pub async fn link(&self, device: &Assignment) {
        let keys = &self.worker.keys;
        let store = keys.open(device.tenant, device.device, device.lease.clone()).await.expect("keys");
        link(&store).await;
        store.close().await.expect("keys are written");
    }

    /// Whether there are keys of a link.
    pub async fn has_link(&self, device: &Assignment) -> bool {
        self.worker.keys.has_link(device.tenant, device.device).await.expect("keys")
    }

    /// A device's row.
    pub async fn row(&self, device: &Assignment) -> Device {
        let row = devices::get(&self.worker.ctx.db, device.tenant, device.device).await.expect("a row");
        row.expect("the device is there")
    }

    /// Waits until a device's row says so.
    pub async fn becomes(&self, device: &Assignment, status: DeviceStatus) -> Device {
        let deadline = Instant::now() + EVENTUALLY;
        while Instant::now() < deadline {
            let row = self.row(device).await;
            if row.status == status {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the device is {:?} and not {status:?}", self.row(device).await.status);
    }

    /// Its owner wants something else.
    pub async fn want(&self, device: &Assignment, desired: Desired) {
        let (db, now) = (&self.worker.ctx.db, self.worker.ctx.now());
        let wanted = devices::set_desired(db, device.tenant, device.device, desired, None, false, now).await;
        wanted.expect("a row").expect("the device is there");
    }

    /// Accepts a text to be sent, and queues nothing; with what `change` changes.
    pub async fn message(
        &self,
        device: &Assignment,
        body: &str,
        change: impl FnOnce(&mut Message),
    ) -> Message {
        let now = self.worker.ctx.now();
        let id = MessageId::generate(now);
        let mut message = Message {
            id,
            device_id: device.device,
            chat: recipient(1),
            sender: None,
            from_name: None,
            direction: Direction::Outgoing,
            content: Content::text(body),
            status: MessageStatus::Queued,
            wa_message_id: id.wa_message_id(),
            link_generation: 0,
            priority: Priority::Normal,
            attempts: 0,
            error: None,
            created_at: now,
            expires_at: Some(now + Duration::from_secs(24 * 3600)),
            sent_at: None,
            delivered_at: None,
            read_at: None,
        };
        change(&mut message);
        let (db, keep) = (&self.worker.ctx.db, Retention::default());
        let inserted = messages::insert_outgoing(db, device.tenant, &message, SHARD, None, keep).await;
        inserted.expect("a message");
        // The next one is later.
        tokio::time::sleep(Duration::from_millis(1)).await;
        message
    }

    /// Queues a message that was accepted.
    pub async fn queue(&self, device: &Assignment, message: &Message) {
        let entry = SendMessageV1::of(&self.row(device).await, message, message.created_at);
        self.worker.ctx.queues.send_message(SHARD, &entry).await.expect("an entry");
    }

    /// Takes what lies in the queue of sends, with the receipt handles.
    pub async fn receive_sends(&self) -> Vec<(SendMessageV1, String)> {
        let receiving = self.worker.ctx.queues.receive(QueueKind::Sends, SHARD);
        let received: Vec<Received<SendPayload>> = receiving.await.expect("the queue");
        let read = |Received { payload: SendPayload::V1(message), receipt_handle }| (message, receipt_handle);
        received.into_iter().map(read).collect()
    }

    /// What of a device's lane is stored.
    pub async fn lane(&self, device: &Assignment) -> Lane {
        lanes::get(&self.worker.ctx.db, device.link(0)).await.expect("a row")
    }

    /// How far a message has come.
    pub async fn message_row(&self, device: &Assignment, message: &Message) -> Message {
        let db = &self.worker.ctx.db;
        let row = messages::get(db, device.tenant, device.device, message.id).await.expect("a row");
        row.expect("the message is there")
    }

    /// Waits until a message's row says so.
    pub async fn message_becomes(
        &self,
        device: &Assignment,
        message: &Message,
        status: MessageStatus,
    ) -> Message {
        let deadline = Instant::now() + EVENTUALLY;
        while Instant::now() < deadline {
            let row = self.message_row(device, message).await;
            if row.status == status {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the message is {:?} and not {status:?}", self.message_row(device, message).await.status);
    }
}

/// One of some people.
pub(crate) fn recipient(n: u16) -> Jid {
    format!("62812345{:05}@s.whatsapp.net", 10_000 + n).parse().expect("an address")
}
