//! What becomes of a message that was not sent.

use shared::domain::pacing::Limit;

use super::*;
use crate::whatsapp::SendError;

/// A message that was handed in to a lane whose sends come to that.
async fn sent(
    outcomes: impl IntoIterator<Item = Result<(), SendError>>,
) -> (Stage, Assignment, Message, Arc<FakeConnection>) {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    connection.next_sends(outcomes);
    let message = stage.message(&device, "x", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    lane.end().await;
    (stage, device, message, connection)
}

/// Why a message failed, and how often it was sent.
async fn failure(outcomes: impl IntoIterator<Item = Result<(), SendError>>) -> (String, usize) {
    let (stage, device, message, connection) = sent(outcomes).await;
    let row = stage.message_becomes(&device, &message, MessageStatus::Failed).await;
    assert_eq!(stage.lane(&device).await.failed, 1);
    (row.error.expect("a reason").code, connection.sent().len())
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_sent_fails_at_once() {
    for (error, code) in [
        (SendError::NotOnWhatsApp, "not_on_whatsapp"),
        (SendError::Refused { code: "479".into() }, "refused"),
        (SendError::Invalid("no".into()), "invalid"),
    ] {
        assert_eq!(failure([Err(error)]).await, (code.to_owned(), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_work_is_tried_three_times_under_one_id() {
    assert_eq!(failure([(); 3].map(|()| Err(SendError::Timeout))).await, ("timeout".to_owned(), 3));
    let (stage, device, message, connection) = sent([Err(SendError::Internal("once".into()))]).await;
    let row = stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    assert_eq!(row.attempts, 2);
    assert!(connection.sent().iter().all(|text| text.id == message.wa_message_id));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_lost_a_moment_ago_costs_no_attempt() {
    let (stage, device, message, connection) = sent([(); 10].map(|()| Err(SendError::NotConnected))).await;
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    assert_eq!(connection.sent().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_sends_too_fast_is_silent_for_a_minute_and_then_for_two() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    connection.next_sends([Err(SendError::RateLimited), Err(SendError::RateLimited)]);
    let message = stage.message(&device, "x", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    seconds_until_sent(&connection, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.lane(&device).await.waiting_for, Some(Limit::RateLimited));
    assert_eq!(seconds_until_sent(&connection, 2).await, 59);
    assert_eq!(seconds_until_sent(&connection, 3).await, 120);
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_cancelled_or_sent_elsewhere_is_passed_over() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let lane = TestLane::offline(&stage, &device).await;
    let cancelled = stage.message(&device, "cancelled", |_| {}).await;
    let next = stage.message(&device, "next", |_| {}).await;
    for message in [&cancelled, &next] {
        lane.queued(&stage, &device, message).await;
    }
    let step = Step::to(MessageStatus::Cancelled, stage.worker.ctx.now());
    let id = &cancelled.wa_message_id;
    messages::advance(&stage.worker.ctx.db, device.tenant, device.device, id, step).await.unwrap();
    let connection = lane.connect(0);
    stage.message_becomes(&device, &next, MessageStatus::Sent).await;
    assert_eq!(connection.texts(), ["next"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_it_cannot_be_marked_and_nothing_is_lost() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let lane = TestLane::offline(&stage, &device).await;
    let message = stage.message(&device, "x", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.cloud.set_away(true);
    let connection = lane.connect(0);
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(connection.sent().is_empty());
    stage.cloud.set_away(false);
    stage.message_becomes(&device, &message, MessageStatus::Sent).await;
    assert_eq!(connection.texts(), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_the_lease_sends_nothing_more() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    device.lease.end();
    let message = stage.message(&device, "x", |_| {}).await;
    lane.queued(&stage, &device, &message).await;
    lane.lane.await.expect("a lane ends by itself");
    assert!(connection.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_stopped_waits_for_the_ack_of_what_is_under_way() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (lane, connection) = TestLane::online(&stage, &device).await;
    connection.set_ack_delay(Duration::from_secs(1));
    let first = stage.message(&device, "one", |_| {}).await;
    let second = stage.message(&device, "two", |_| {}).await;
    for message in [&first, &second] {
        lane.queued(&stage, &device, message).await;
    }
    seconds_until_sent(&connection, 1).await;
    lane.end().await;
    assert_eq!(connection.texts(), ["one"]);
    stage.message_becomes(&device, &first, MessageStatus::Sent).await;
    assert_eq!(stage.message_row(&device, &second).await.status, MessageStatus::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_stopped_gives_back_what_it_has_in_hand() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let lane = TestLane::offline(&stage, &device).await;
    let message = stage.message(&device, "x", |_| {}).await;
    lane.received(&stage, &device, &message).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    lane.end().await;
    let began = Instant::now();
    let back = stage.receive_sends().await;
    assert_eq!(back.first().map(|(payload, _)| payload.message_id), Some(message.id));
    assert!(began.elapsed() < Duration::from_secs(1));
}
