//! What waits in the outbox without a queue entry, and a lane that gives its entries up.

use shared::domain::message::Priority;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_outbox_is_sent_direct_messages_first() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.message(&device, "bulk", |message| message.priority = Priority::Bulk).await;
    for n in 0..60 {
        stage.message(&device, &n.to_string(), |_| {}).await;
    }
    let (lane, connection) = TestLane::online(&stage, &device).await;
    lane.catch_up().await;
    seconds_until_sent(&connection, 61).await;
    let expected: Vec<String> = (0..60).map(|n| n.to_string()).chain(["bulk".into()]).collect();
    assert_eq!(connection.texts(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_outbox_and_queue_tell_of_is_sent_once() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let message = stage.message(&device, "x", |_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    lane.catch_up().await;
    lane.received(&stage, &device, &message).await;
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(connection.sent().len(), 1);
    assert!(stage.receive_sends().await.is_empty(), "its entry is gone");
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_closed_when_the_outbox_has_been_looked_into() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.outbox_gap = Some(device.created_at)).await;
    let lost = stage.message(&device, "lost its entry", |_| {}).await;
    let (lane, _connection) = TestLane::online(&stage, &device).await;
    lane.order(LaneOrder::CatchUp(CatchUpRequest { entry: None, gap: true })).await;
    stage.message_becomes(&device, &lost, MessageStatus::Sent).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stage.row(&device).await.outbox_gap, None);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_cannot_send_gives_up_its_entries_and_finds_its_messages_in_the_outbox() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let lane = TestLane::offline(&stage, &device).await;
    let message = stage.message(&device, "x", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(lane.entries.count(), 1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(lane.entries.count(), 0);
    let later = stage.message(&device, "y", |_| {}).await;
    lane.queued(&stage, &device, &later).await;
    let connection = lane.connect(0);
    stage.message_becomes(&device, &later, MessageStatus::Sent).await;
    assert_eq!(connection.texts(), ["x", "y"]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_of_a_device_that_is_gone_sends_and_writes_nothing() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    lane.policy.send_replace(SendPolicy::Gone);
    let message = stage.message(&device, "x", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(connection.sent().is_empty());
    assert_eq!(lane.entries.count(), 0);
    assert_eq!(stage.message_row(&device, &message).await.status, MessageStatus::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_later_holder_of_the_device_ends_the_lane() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (former, connection) = TestLane::online(&stage, &device).await;
    let later = Assignment { lease: crate::ownership::Lease::forever(device.shard, 2), ..device.clone() };
    let message = stage.message(&device, "of the later one", |_| {}).await;
    let (lane, newer) = TestLane::online(&stage, &later).await;
    lane.queued(&stage, &device, &message).await;
    seconds_until_sent(&newer, 1).await;
    lane.end().await;
    let message = stage.message(&device, "of the former one", |_| {}).await;
    former.queued(&stage, &device, &message).await;
    seconds_until_sent(&connection, 1).await;
    former.lane.await.expect("it ends when it comes to store its ledger");
}

#[tokio::test(start_paused = true)]
async fn an_idle_device_costs_no_requests() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (_lane, _connection) = TestLane::online(&stage, &device).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.cloud.requests();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(stage.cloud.requests(), 0, "nobody asks for anything");
}
