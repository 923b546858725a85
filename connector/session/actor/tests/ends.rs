//! How a connection ends, and when the next one is opened.

use super::*;
use crate::whatsapp::End;

/// How the row reads after a connection has ended so, and in how many seconds the next one is opened.
async fn after(end: End) -> (Device, u64) {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    connection.ends(end);
    connection.closed().await;
    assert!(session.open.borrow().is_none());
    let began = Instant::now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let row = stage.row(&device).await;
    stage.whatsapp.connection(2).await;
    (row, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_device_whose_place_another_takes_fails_and_tries_again_in_a_minute() {
    let (row, pause) = after(End::Replaced).await;
    assert_eq!((row.status, pause), (DeviceStatus::Failed, 60));
    assert!(row.last_error.is_some_and(|why| why.contains("another connection")));
}

#[tokio::test(start_paused = true)]
async fn a_banned_device_says_for_how_long_and_tries_again_then() {
    let expires_in = Duration::from_secs(900);
    let (row, pause) = after(End::Banned { code: 101, reason: "spam".into(), expires_in }).await;
    assert_eq!((row.status, pause), (DeviceStatus::Failed, 900));
    assert!(row.last_error.is_some_and(|why| why.contains("900 s") && why.contains("spam")));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_too_old_tries_again_in_an_hour() {
    let (row, pause) = after(End::ClientOutdated).await;
    assert_eq!((row.status, pause), (DeviceStatus::Failed, 3600));
}

#[tokio::test(start_paused = true)]
async fn a_refused_device_says_why_and_tries_again_soon() {
    let (row, pause) = after(End::Refused { code: 503, reason: "later".into() }).await;
    assert_eq!(row.status, DeviceStatus::Failed);
    assert!(pause <= 1 && row.last_error.is_some_and(|why| why.contains("(503): later")));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_nobody_scans_gives_up_until_its_owner_wants_it_again() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let session = Session::start(&stage, &device);
    stage.whatsapp.connection(1).await.ends(End::QrExhausted);
    let row = stage.becomes(&device, DeviceStatus::Disconnected).await;
    assert_eq!(row.desired, Desired::Disconnected);
    assert!(row.last_error.is_some_and(|why| why.contains("nobody scanned")));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!((stage.whatsapp.count(), stage.worker.sessions.count()), (1, 0));
    session.want(&stage, &device, Desired::Connected).await;
    stage.whatsapp.connection(2).await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_without_a_word_are_opened_again_after_growing_pauses() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let _session = Session::start(&stage, &device);
    for (nth, pause) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0)] {
        stage.whatsapp.connection(nth).await.ends(End::Stopped);
        let began = Instant::now();
        stage.whatsapp.connection(nth + 1).await;
        let ratio = began.elapsed().as_secs_f64() / pause;
        assert!((0.9..1.2).contains(&ratio), "{pause} s: {ratio}");
    }
    let fifth = stage.whatsapp.connection(5).await;
    fifth.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    fifth.ends(End::Stopped);
    assert!(seconds_until_connection(&stage, 6).await <= 1, "it was connected in between");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_to_connect_less_often_doubles_its_pause_until_a_connection_lasts() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let _session = Session::start(&stage, &device);
    let mut pauses = Vec::new();
    for nth in 1..=3 {
        stage.whatsapp.connection(nth).await.ends(End::RateLimited);
        pauses.push(seconds_until_connection(&stage, nth + 1).await);
    }
    assert_eq!(pauses, [60, 120, 240]);
    assert!(stage.row(&device).await.last_error.is_some_and(|why| why.contains("the next try is at")));
    let fourth = stage.whatsapp.connection(4).await;
    fourth.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    fourth.ends(End::RateLimited);
    assert_eq!(seconds_until_connection(&stage, 5).await, 60);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_its_phone_unlinks_is_logged_out_and_its_keys_are_gone() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.link(&device).await;
    let (_session, connection) = Session::connected(&stage, &device).await;
    connection.ends(End::LoggedOut { reason: "the phone unlinked the device".into() });
    let row = stage.becomes(&device, DeviceStatus::LoggedOut).await;
    assert_eq!(row.desired, Desired::LoggedOut);
    assert_eq!(row.phone_number, None);
    assert_eq!(row.last_error.as_deref(), Some("the phone unlinked the device"));
    assert!(!stage.has_link(&device).await);
}
