//! What the owner wants, and how a session ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_device_that_its_owner_disconnects_keeps_its_link_and_stays_away() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.link(&device).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    session.want(&stage, &device, Desired::Disconnected).await;
    stage.becomes(&device, DeviceStatus::Disconnected).await;
    assert!(connection.is_closed() && !connection.is_logged_out());
    assert!(stage.has_link(&device).await && session.open.borrow().is_none());
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!((stage.whatsapp.count(), stage.worker.sessions.count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_its_owner_logs_out_is_unlinked_at_whatsapp_and_its_keys_are_wiped() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.link(&device).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    session.want(&stage, &device, Desired::LoggedOut).await;
    stage.becomes(&device, DeviceStatus::LoggedOut).await;
    assert!(connection.is_logged_out() && connection.is_closed());
    assert!(!stage.has_link(&device).await);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_offline_connects_to_log_out_and_waits_for_that_only_so_long() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.desired = Desired::LoggedOut).await;
    stage.link(&device).await;
    let _session = Session::start(&stage, &device);
    let connection = stage.whatsapp.connection(1).await;
    let began = Instant::now();
    stage.becomes(&device, DeviceStatus::LoggedOut).await;
    assert_eq!(began.elapsed().as_secs(), UNLINK_TIMEOUT.as_secs());
    assert!(!connection.is_logged_out() && connection.is_closed());
    assert!(!stage.has_link(&device).await, "whatever WhatsApp knows of it");
}

#[tokio::test(start_paused = true)]
async fn a_device_without_a_link_is_logged_out_without_a_connection() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.desired = Desired::LoggedOut).await;
    let _session = Session::start(&stage, &device);
    stage.becomes(&device, DeviceStatus::LoggedOut).await;
    assert_eq!(stage.whatsapp.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_device_is_unlinked_its_keys_are_wiped_and_its_lane_writes_no_more() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.link(&device).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    session.want(&stage, &device, Desired::Deleted).await;
    session.policy.clone().wait_for(|policy| *policy == SendPolicy::Gone).await.unwrap();
    assert!(connection.is_logged_out() && !stage.has_link(&device).await);
}

#[tokio::test(start_paused = true)]
async fn a_device_whose_row_is_gone_ends_its_session() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    devices::delete(&stage.worker.ctx.db, device.tenant, device.device).await.unwrap();
    session.order(Order::Look(None)).await;
    session.actor.await.unwrap();
    assert!(connection.is_closed());
    assert_eq!(*session.policy.borrow(), SendPolicy::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_lane_is_told_whether_it_may_send() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.paused = true).await;
    let session = Session::start(&stage, &device);
    let mut policy = session.policy.clone();
    let known = policy.wait_for(|policy| *policy != SendPolicy::Unknown).await.unwrap().clone();
    assert!(matches!(known, SendPolicy::Paused(_)), "{known:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_cannot_be_read_is_looked_at_again() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.cloud.set_away(true);
    let _session = Session::start(&stage, &device);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(stage.whatsapp.count(), 0);
    stage.cloud.set_away(false);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_leaves_the_device_to_whoever_serves_it_next() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    session.stop.cancel();
    session.actor.await.unwrap();
    assert!(connection.is_closed() && !connection.is_logged_out());
    let row = stage.row(&device).await;
    assert_eq!((row.status, row.desired), (DeviceStatus::Connecting, Desired::Connected));
    assert_eq!(stage.worker.sessions.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_the_lease_closes_the_connection_at_once_whatever_is_under_way() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.desired = Desired::LoggedOut).await;
    stage.link(&device).await;
    let session = Session::start(&stage, &device);
    // It waits for the connection, to log out through it.
    let connection = stage.whatsapp.connection(1).await;
    device.lease.end();
    let began = Instant::now();
    session.stop.cancel();
    connection.closed().await;
    assert!(began.elapsed() < Duration::from_millis(100));
}
