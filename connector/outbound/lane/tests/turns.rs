//! When a message's turn is.

use shared::domain::{
    message::Priority,
    pacing::{Limit, Pacing},
};

use super::*;
use crate::testing::recipient;

#[tokio::test(start_paused = true)]
async fn messages_go_one_at_a_time_in_the_order_in_which_they_were_accepted() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    connection.set_ack_delay(Duration::from_secs(1));
    let mut messages = Vec::new();
    for body in ["one", "two", "three"] {
        let message = stage.message(&device, body, |_| {}).await;
        lane.queued(&stage, &device, &message).await;
        messages.push(message);
    }
    seconds_until_sent(&connection, 1).await;
    assert_eq!(stage.message_row(&device, &messages[0]).await.status, MessageStatus::Sending);
    assert_eq!(seconds_until_sent(&connection, 3).await, 2);
    assert_eq!(connection.texts(), ["one", "two", "three"]);
    let third = stage.message_becomes(&device, &messages[2], MessageStatus::Sent).await;
    assert_eq!((third.attempts, third.sent_at.is_some()), (1, true));
    assert_eq!(connection.sent()[0].id, messages[0].wa_message_id);
    assert_eq!(lane.entries.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_direct_message_overtakes_bulk_messages() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let lane = TestLane::offline(&stage, &device).await;
    for body in ["bulk 1", "bulk 2"] {
        let message = stage.message(&device, body, |message| message.priority = Priority::Bulk).await;
        lane.queued(&stage, &device, &message).await;
    }
    let direct = stage.message(&device, "direct", |_| {}).await;
    lane.queued(&stage, &device, &direct).await;
    let connection = lane.connect(0);
    seconds_until_sent(&connection, 3).await;
    assert_eq!(connection.texts(), ["direct", "bulk 1", "bulk 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lies_between_two_messages_and_the_queue_shows_until_when() {
    let stage = Stage::new().await;
    let paced = Pacing { min_delay_ms: 60_000, max_delay_ms: 60_000, ..unlimited() };
    let device = stage.device(|device| device.pacing = paced).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    for body in ["one", "two"] {
        let message = stage.message(&device, body, |_| {}).await;
        lane.queued(&stage, &device, &message).await;
    }
    seconds_until_sent(&connection, 1).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let shown = stage.lane(&device).await;
    assert_eq!((shown.sent, shown.waiting_for), (1, Some(Limit::Delay)));
    let left = seconds_until_sent(&connection, 2).await;
    assert!((39..=40).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_has_had_enough_holds_up_nobody_else() {
    let stage = Stage::new().await;
    let pacing = Pacing { per_recipient_per_hour: 1, ..unlimited() };
    let device = stage.device(|device| device.pacing = pacing).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    for (body, to) in [("a1", 1), ("a2", 1), ("b1", 2)] {
        let message = stage.message(&device, body, |message| message.chat = recipient(to)).await;
        lane.queued(&stage, &device, &message).await;
    }
    seconds_until_sent(&connection, 2).await;
    assert_eq!(connection.texts(), ["a1", "b1"]);
    let waited = seconds_until_sent(&connection, 3).await;
    assert!((3_590..=3_605).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn what_another_connector_sent_counts_for_pacing_here() {
    let stage = Stage::new().await;
    let pacing = Pacing { per_minute: 1, ..unlimited() };
    let device = stage.device(|device| device.pacing = pacing).await;
    let (former, connection) = TestLane::online(&stage, &device).await;
    let first = stage.message(&device, "first", |_| {}).await;
    former.queued(&stage, &device, &first).await;
    seconds_until_sent(&connection, 1).await;
    former.end().await;
    let second = stage.message(&device, "second", |_| {}).await;
    let (later, connection) = TestLane::online(&stage, &device).await;
    later.queued(&stage, &device, &second).await;
    let waited = seconds_until_sent(&connection, 1).await;
    assert!((55..=61).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_device_sends_nothing_until_its_owner_lets_it() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.paused = true).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    let message = stage.message(&device, "waits", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(connection.sent().is_empty());
    lane.change(&stage, &device, |device| device.paused = false).await;
    assert_eq!(seconds_until_sent(&connection, 1).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_too_long_for_a_connection_expires() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let lane = TestLane::offline(&stage, &device).await;
    let in_an_hour = stage.worker.ctx.now() + Duration::from_secs(3600);
    let message = stage.message(&device, "late", |message| message.expires_at = Some(in_an_hour)).await;
    lane.queued(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(3_590)).await;
    assert_eq!(stage.message_row(&device, &message).await.status, MessageStatus::Queued);
    tokio::time::sleep(Duration::from_secs(15)).await;
    let row = stage.message_becomes(&device, &message, MessageStatus::Failed).await;
    assert_eq!(row.error.expect("a reason").code, "expired");
    assert!(lane.connect(0).sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_for_another_number_than_the_device_has_now_is_not_sent() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.generation = 1).await;
    let lane = TestLane::offline(&stage, &device).await;
    let message = stage.message(&device, "for the former number", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    let connection = lane.connect(1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(connection.sent().is_empty());
    let row = stage.message_becomes(&device, &message, MessageStatus::Failed).await;
    assert_eq!(row.error.expect("a reason").code, "device_relinked");
}
