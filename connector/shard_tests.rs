use shared::domain::{
    device::DeviceStatus,
    message::{Message, MessageStatus},
};
use tokio::task::JoinHandle;

use super::*;
use crate::{
    ownership::Assignment,
    testing::{NUMBER, Stage},
};

/// A shard that is served.
struct Serving {
    stop: CancellationToken,
    shard: JoinHandle<()>,
}

impl Serving {
    fn start(stage: &Stage) -> Self {
        let stop = CancellationToken::new();
        let shard = tokio::spawn(serve(stage.worker.clone(), stage.lease.clone(), stop.clone()));
        Self { stop, shard }
    }

    async fn end(self) {
        self.stop.cancel();
        let ending = tokio::time::timeout(Duration::from_secs(30), self.shard);
        ending.await.expect("in time").expect("a shard ends by itself");
    }
}

/// A shard with one device, which is connected.
async fn connected(stage: &Stage) -> (Serving, Assignment) {
    let device = stage.device(|_| {}).await;
    let serving = Serving::start(stage);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    (serving, device)
}

async fn accepted(stage: &Stage, device: &Assignment, body: &str) -> Message {
    let message = stage.message(device, body, |_| {}).await;
    stage.queue(device, &message).await;
    message
}

#[tokio::test(start_paused = true)]
async fn a_shard_connects_the_devices_whose_owners_want_that_and_no_others() {
    let stage = Stage::new().await;
    let wanted = stage.device(|_| {}).await;
    let settled = stage
        .device(|device| {
            (device.desired, device.status) = (Desired::Disconnected, DeviceStatus::Disconnected)
        })
        .await;
    let serving = Serving::start(&stage);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    stage.becomes(&wanted, DeviceStatus::Connected).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.whatsapp.count(), 1);
    assert_eq!(stage.row(&settled).await.status, DeviceStatus::Disconnected);
    serving.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_queued_is_sent_and_its_entry_is_gone() {
    let stage = Stage::new().await;
    let (serving, device) = connected(&stage).await;
    let message = accepted(&stage, &device, "hello").await;
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    assert_eq!(stage.whatsapp.connection(1).await.texts(), ["hello"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let depth = stage.worker.ctx.queues.depth(QueueKind::Sends, 0).await.unwrap();
    assert_eq!((depth.waiting, depth.in_hand), (0, 0));
    serving.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_outbox_when_a_shard_is_taken_over_is_sent() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let message = stage.message(&device, "left behind", |_| {}).await;
    let serving = Serving::start(&stage);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    serving.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_wish_is_met_when_its_command_comes_or_when_the_shard_looks_next() {
    let stage = Stage::new().await;
    let (serving, device) = connected(&stage).await;
    stage.want(&device, Desired::Disconnected).await;
    let command = CommandPayload::device_changed(device.tenant, device.device);
    stage.worker.ctx.queues.send_command(0, &command).await.unwrap();
    let began = Instant::now();
    stage.becomes(&device, DeviceStatus::Disconnected).await;
    assert!(began.elapsed() < Duration::from_secs(2));
    // Now the command is lost.
    stage.want(&device, Desired::Connected).await;
    let began = Instant::now();
    stage.whatsapp.connection(2).await;
    assert!(began.elapsed() <= LOOK_INTERVAL + TAKEOVER_PERIOD);
    serving.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_kind_that_nobody_knows_yet_harms_nobody() {
    let stage = Stage::new().await;
    let (serving, device) = connected(&stage).await;
    let changed = CommandPayload::device_changed(device.tenant, device.device);
    let newer = CommandPayload { kind: "device_renamed.v9".into(), ..changed };
    stage.worker.ctx.queues.send_command(0, &newer).await.unwrap();
    let message = accepted(&stage, &device, "hello").await;
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let depth = stage.worker.ctx.queues.depth(QueueKind::Commands, 0).await.unwrap();
    assert_eq!((depth.waiting, depth.in_hand), (0, 0));
    serving.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_let_go_closes_its_connections_and_leaves_its_messages_to_the_next() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.paused = true).await;
    let serving = Serving::start(&stage);
    let connection = stage.whatsapp.connection(1).await;
    connection.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    let message = accepted(&stage, &device, "waits").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    serving.end().await;
    assert!(connection.is_closed());
    assert_eq!(stage.row(&device).await.status, DeviceStatus::Connecting);
    let began = Instant::now();
    let back = stage.receive_sends().await;
    assert_eq!(back.first().map(|(payload, _)| payload.message_id), Some(message.id));
    assert!(began.elapsed() < Duration::from_secs(1), "and not only when its time is up");
}

#[tokio::test(start_paused = true)]
async fn a_shard_is_taken_up_when_the_tables_are_there_again() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.cloud.set_away(true);
    let serving = Serving::start(&stage);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(stage.whatsapp.count(), 0);
    stage.cloud.set_away(false);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    serving.end().await;
}
