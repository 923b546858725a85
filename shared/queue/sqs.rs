//! Sending, receiving, extending and deleting.

use std::{collections::HashMap, error::Error, ops::Range, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use serde::de::DeserializeOwned;
use tokio::sync::RwLock;

use super::{
    OfTenant,
    payloads::{CommandPayload, SendMessageV1, SendPayload},
};
use crate::{
    aws,
    clock::Timestamp,
    config::Config,
    crypto::TenantSealers,
    domain::{
        ids::{DeviceId, MessageId, TenantId},
        message::Priority,
    },
    failure::FailureKind,
    faults::Faults,
};

/// A family of queues: one for every shard, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueKind {
    /// Messages to be sent: FIFO, grouped by device.
    Sends,
    /// Commands to the connector: in no order, so they only say where to look.
    Commands,
    /// What happened: one FIFO queue, grouped by tenant.
    Events,
    /// Webhook calls that are due, now or in a while: one queue, in no order.
    Deliveries,
    /// Those of receivers that let Kurir wait, and replays.
    SlowDeliveries,
}

/// The longest that SQS keeps a message back by itself.
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

impl QueueKind {
    /// All families.
    pub const ALL: [Self; 5] =
        [Self::Sends, Self::Commands, Self::Events, Self::Deliveries, Self::SlowDeliveries];

    /// The name in `infra/queues.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sends => "sends",
            Self::Commands => "commands",
            Self::Events => "events",
            Self::Deliveries => "deliveries",
            Self::SlowDeliveries => "slow-deliveries",
        }
    }

    /// Whether order within a group and deduplication hold.
    pub fn is_fifo(self) -> bool {
        matches!(self, Self::Sends | Self::Events)
    }

    /// Whether there is one for every shard. Where there is not, a shard that is named means nothing.
    pub fn is_per_shard(self) -> bool {
        matches!(self, Self::Sends | Self::Commands)
    }
}

/// SQS as Kurir uses it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    faults: Faults,
    prefix: String,
    shards: u16,
    sealers: TenantSealers,
    urls: RwLock<HashMap<(QueueKind, u16), String>>,
}

/// A message taken from a queue: hidden from others until its visibility timeout, then there again unless
/// deleted.
#[derive(Debug, Clone)]
pub struct Received<T> {
    /// What it says.
    pub payload: T,
    /// What to delete or extend it with. A later receive of the same message gives a newer one.
    pub receipt_handle: String,
}

/// How many messages lie in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// They wait to be received.
    pub waiting: u64,
    /// They are received and not deleted yet.
    pub in_hand: u64,
}

/// SQS could not be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Out of reach or busy, after retries with backoff.
    #[error("SQS is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// SQS takes no such requests of this deployment.
    #[error("SQS refuses this deployment")]
    Misconfigured(#[source] Box<dyn Error + Send + Sync>),
    /// SQS does not take this one request, or never will.
    #[error("SQS refused a request")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// Of several messages some could not be sent, deleted or extended: their handles are too old, mostly.
    #[error("SQS refused {0} of several messages: {1}")]
    Partly(usize, String),
    /// A payload that cannot be written.
    #[error("a queue payload cannot be written")]
    Payload(#[from] serde_json::Error),
}

impl QueueError {
    /// Who waits, and what is given up.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unavailable(_) | Self::Partly(..) => FailureKind::Unavailable,
            Self::Misconfigured(_) => FailureKind::Misconfigured,
            Self::Refused(_) | Self::Payload(_) => FailureKind::Poison,
        }
    }
}

impl<E> From<SdkError<E>> for QueueError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        match FailureKind::of(&error) {
            FailureKind::Unavailable => Self::Unavailable(error.into()),
            FailureKind::Misconfigured => Self::Misconfigured(error.into()),
            FailureKind::Poison => Self::Refused(error.into()),
        }
    }
}

impl Queues {
    /// Connects. Nothing goes over the wire yet.
    pub fn new(sdk: &SdkConfig, config: &Config) -> Self {
        // A long poll takes up to 20 s.
        let timeouts = aws::timeouts(Duration::from_secs(25));
        let faults = Faults::new(sdk.region().map(AsRef::as_ref));
        let mut builder =
            aws_sdk_sqs::config::Builder::from(sdk).timeout_config(timeouts).interceptor(faults.clone());
        if let Some(endpoint) = &config.aws.sqs_endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self(Arc::new(Inner {
            client: Client::from_conf(builder.build()),
            faults,
            prefix: config.prefix.clone(),
            shards: config.shards,
            sealers: config.master_key.tenant_sealers(),
            urls: RwLock::default(),
        }))
    }

    /// The mistakes of this deployment that requests have come upon.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// How many shards new devices are spread over.
    pub fn shards(&self) -> u16 {
        self.0.shards
    }

    pub(super) fn sealers(&self) -> &TenantSealers {
        &self.0.sealers
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// The shards of a family's queues: a single one, 0, for a family of one queue.
    pub fn shards_of(&self, kind: QueueKind) -> Range<u16> {
        if kind.is_per_shard() { 0..self.0.shards } else { 0..1 }
    }

    pub(super) fn name(&self, kind: QueueKind, shard: u16) -> String {
        let shard = if kind.is_per_shard() { format!("-{shard}") } else { String::new() };
        let fifo = if kind.is_fifo() { ".fifo" } else { "" };
        format!("{}{}{shard}{fifo}", self.0.prefix, kind.name())
    }

    /// Queues a message to be sent. Twice within five minutes is once: SQS drops the second by the
    /// message's id.
    pub async fn send_message(&self, shard: u16, message: &SendMessageV1) -> Result<(), QueueError> {
        self.send_as(shard, message, message.message_id.to_string()).await
    }

    /// Queues a message anew whose entry seems to be lost, and with it the others of its device. SQS remembers
    /// that it had one: this one counts as another, at most one in five minutes.
    pub async fn wake(
        &self,
        shard: u16,
        (account_id, device_id): (TenantId, DeviceId),
        message_id: MessageId,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let entry = SendMessageV1 { account_id, device_id, message_id, turn: None, after_gap: true };
        let bucket = now.unix_seconds() / 300;
        self.send_as(shard, &entry, format!("{message_id}.{bucket}")).await
    }

    /// Queues a message anew that was given up and is to be sent after all.
    pub async fn send_again(
        &self,
        shard: u16,
        message: &SendMessageV1,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let dedup = format!("{}.again.{}", message.message_id, now.unix_millis());
        self.send_as(shard, message, dedup).await
    }

    async fn send_as(&self, shard: u16, message: &SendMessageV1, dedup: String) -> Result<(), QueueError> {
        self.client()
            .send_message()
            .queue_url(self.url(QueueKind::Sends, shard).await?)
            .message_group_id(group(message))
            .message_deduplication_id(dedup)
            .message_body(serde_json::to_string(&SendPayload::V1(message.clone()))?)
            .send()
            .await?;
        Ok(())
    }

    /// Queues a command.
    pub async fn send_command(&self, shard: u16, command: &CommandPayload) -> Result<(), QueueError> {
        self.client()
            .send_message()
            .queue_url(self.url(QueueKind::Commands, shard).await?)
            .message_body(serde_json::to_string(command)?)
            .send()
            .await?;
        Ok(())
    }

    /// Sends to the one FIFO queue of a family, in the order of its group. Twice under one `dedup` within five
    /// minutes is once.
    pub async fn send_in_order(
        &self,
        kind: QueueKind,
        (group, dedup): (&str, &str),
        payload: &impl OfTenant,
    ) -> Result<(), QueueError> {
        self.client()
            .send_message()
            .queue_url(self.url(kind, 0).await?)
            .message_group_id(group)
            .message_deduplication_id(dedup)
            .message_body(self.seal(kind, payload)?)
            .send()
            .await?;
        Ok(())
    }

    /// Sends to the one standard queue of a family, each after its delay ([`LONGEST_DELAY`] at most, to the
    /// second). Ten go in a request; one that would take more than 256 KB goes in several.
    ///
    /// # Errors
    /// Also when only some of them were refused: what is sent anew then may come twice.
    pub async fn send_delayed<T: OfTenant>(
        &self,
        kind: QueueKind,
        payloads: impl IntoIterator<Item = (T, Duration)>,
    ) -> Result<(), QueueError> {
        const MOST_BYTES: usize = 240 * 1024;
        let mut payloads = payloads.into_iter().peekable();
        if payloads.peek().is_none() {
            return Ok(());
        }
        let url = self.url(kind, 0).await?;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (payload, delay) in payloads {
            let body = self.seal(kind, &payload)?;
            if batch.len() == 10 || (bytes > 0 && bytes + body.len() > MOST_BYTES) {
                self.send_batch(&url, std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += body.len();
            let seconds = delay.min(LONGEST_DELAY).as_millis().div_ceil(1000);
            let entry = SendMessageBatchRequestEntry::builder()
                .id(batch.len().to_string())
                .delay_seconds(i32::try_from(seconds).unwrap_or_default())
                .message_body(body)
                .build()
                .expect("id and body are given");
            batch.push(entry);
        }
        self.send_batch(&url, batch).await
    }

    async fn send_batch(
        &self,
        url: &str,
        batch: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<(), QueueError> {
        let request = self.client().send_message_batch().queue_url(url);
        all_of(request.set_entries(Some(batch)).send().await?.failed)
    }

    /// Waits up to 20 s for up to ten messages (SQS's limits). One that cannot be read is logged and left
    /// to the queue's dead-letter rule.
    pub async fn receive<T: DeserializeOwned>(
        &self,
        kind: QueueKind,
        shard: u16,
    ) -> Result<Vec<Received<T>>, QueueError> {
        let answer = self
            .client()
            .receive_message()
            .queue_url(self.url(kind, shard).await?)
            .max_number_of_messages(10)
            .wait_time_seconds(20)
            .send()
            .await?;
        let mut received = Vec::new();
        for message in answer.messages.unwrap_or_default() {
            match self.read(kind, message.body().unwrap_or_default()) {
                Ok(payload) => received
                    .push(Received { payload, receipt_handle: message.receipt_handle.unwrap_or_default() }),
                Err(error) => {
                    let error = &*error as &dyn Error;
                    tracing::error!(queue = kind.name(), shard, error, "a queue message cannot be read");
                }
            }
        }
        Ok(received)
    }

    /// Deletes messages, up to ten in a request.
    pub async fn delete(&self, kind: QueueKind, shard: u16, handles: &[String]) -> Result<(), QueueError> {
        let url = self.url(kind, shard).await?;
        for chunk in handles.chunks(10) {
            let entries = chunk.iter().enumerate().map(|(n, handle)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(n.to_string())
                    .receipt_handle(handle)
                    .build()
                    .expect("id and handle are given")
            });
            let request = self.client().delete_message_batch().queue_url(&url);
            all_of(request.set_entries(Some(entries.collect())).send().await?.failed)?;
        }
        Ok(())
    }

    /// Keeps messages hidden for `timeout` from now on; zero gives them back at once.
    pub async fn extend(
        &self,
        kind: QueueKind,
        shard: u16,
        handles: &[String],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        let url = self.url(kind, shard).await?;
        let seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
        for chunk in handles.chunks(10) {
            let entries = chunk.iter().enumerate().map(|(n, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(n.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(seconds)
                    .build()
                    .expect("id and handle are given")
            });
            let request = self.client().change_message_visibility_batch().queue_url(&url);
            all_of(request.set_entries(Some(entries.collect())).send().await?.failed)?;
        }
        Ok(())
    }

    /// About how many messages lie in a queue, by SQS's own count.
    pub async fn depth(&self, kind: QueueKind, shard: u16) -> Result<Depth, QueueError> {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let answer = self
            .client()
            .get_queue_attributes()
            .queue_url(self.url(kind, shard).await?)
            .attribute_names(ApproximateNumberOfMessages)
            .attribute_names(ApproximateNumberOfMessagesNotVisible)
            .send()
            .await?;
        let all = answer.attributes.unwrap_or_default();
        let count = |name| all.get(&name).and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Depth {
            waiting: count(ApproximateNumberOfMessages),
            in_hand: count(ApproximateNumberOfMessagesNotVisible),
        })
    }

    /// Whether a queue is there: else [`faults`](Self::faults) says so.
    pub async fn find(&self, kind: QueueKind, shard: u16) -> Result<(), QueueError> {
        self.url(kind, shard).await.map(drop)
    }

    async fn url(&self, kind: QueueKind, shard: u16) -> Result<String, QueueError> {
        let shard = if kind.is_per_shard() { shard } else { 0 };
        if let Some(url) = self.0.urls.read().await.get(&(kind, shard)) {
            return Ok(url.clone());
        }
        let answer = self.client().get_queue_url().queue_name(self.name(kind, shard)).send().await;
        // A name that SQS does not take is the deployment's, whatever is to go there.
        let answer = answer.map_err(|error| match QueueError::from(error) {
            QueueError::Refused(error) => QueueError::Misconfigured(error),
            other => other,
        })?;
        let url = answer.queue_url.unwrap_or_default();
        self.0.urls.write().await.insert((kind, shard), url.clone());
        Ok(url)
    }
}

/// A device's messages go in their order; its bulk messages in one of their own, so that the others need not
/// wait behind them.
fn group(message: &SendMessageV1) -> String {
    match message.turn.as_ref().map(|turn| turn.priority) {
        Some(Priority::Bulk) => format!("{}.bulk", message.device_id),
        _ => message.device_id.to_string(),
    }
}

/// A batch answers 200 also when some of it failed.
fn all_of(failed: Vec<BatchResultErrorEntry>) -> Result<(), QueueError> {
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(QueueError::Partly(failed.len(), first.code.clone())),
    }
}
