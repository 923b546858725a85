//! What the connection is, as the row and the lane are told of it.

use shared::domain::device::Device;

use super::*;
use crate::testing::linked_to;

fn showing(code: &str, problem: Option<&str>) -> SocketState {
    let until = Instant::now() + Duration::from_secs(60);
    SocketState::ShowingQr { code: code.into(), until, problem: problem.map(Into::into) }
}

#[tokio::test(start_paused = true)]
async fn a_device_shows_its_code_until_a_phone_scans_it_and_is_connected_then() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let session = Session::start(&stage, &device);
    let connection = stage.whatsapp.connection(1).await;
    assert_eq!(stage.worker.sessions.count(), 1);

    connection.becomes(showing("2@first", None));
    let row = stage.becomes(&device, DeviceStatus::Qr).await;
    let code = row.qr.expect("a code");
    assert_eq!(code.code.expose(), "2@first");
    let left = code.expires_at.since(stage.worker.ctx.now());
    assert!(left > Duration::from_secs(55) && left <= Duration::from_secs(60), "{left:?}");

    connection.becomes(SocketState::Connecting { linked: Some(linked_to(NUMBER)), reason: None });
    let row = stage.becomes(&device, DeviceStatus::Connecting).await;
    assert!(row.qr.is_none());
    assert!(session.open.borrow().is_none(), "nothing can be sent yet");

    connection.connects_as(NUMBER);
    let row = stage.becomes(&device, DeviceStatus::Connected).await;
    assert_eq!(row.phone_number.map(|number| number.digits().to_owned()).as_deref(), Some(NUMBER));
    assert_eq!((row.push_name.as_deref(), row.last_error), (Some("Ani"), None));
    let mut open = session.open.clone();
    let open = open.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert!(open.connection.is_connected());
    assert_eq!(open.generation, 0);
}

#[tokio::test(start_paused = true)]
async fn why_a_phone_did_not_link_the_device_stands_beside_the_code() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let _session = Session::start(&stage, &device);
    let connection = stage.whatsapp.connection(1).await;
    connection.becomes(showing("2@code", None));
    stage.becomes(&device, DeviceStatus::Qr).await;
    connection.becomes(showing("2@code", Some("the phone refused")));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let row = stage.row(&device).await;
    assert_eq!(row.last_error.as_deref(), Some("the phone refused"));
    assert_eq!(row.qr.expect("the code is still good").code.expose(), "2@code");
}

#[tokio::test(start_paused = true)]
async fn the_lane_has_no_connection_while_it_is_lost() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (session, connection) = Session::connected(&stage, &device).await;
    connection.becomes(SocketState::Connecting { linked: None, reason: Some("the network is gone".into()) });
    let row = stage.becomes(&device, DeviceStatus::Connecting).await;
    assert_eq!(row.last_error.as_deref(), Some("the network is gone"));
    assert!(session.open.borrow().is_none());
    connection.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    assert_eq!(stage.whatsapp.count(), 1, "it came back by itself");
}

#[tokio::test(start_paused = true)]
async fn a_phone_with_another_number_is_logged_out_and_told_why() {
    let stage = Stage::new().await;
    let number = PhoneNumber::parse("+6289999999999").unwrap();
    let device = stage
        .device(|device| {
            device.phone_number = Some(number.clone());
            device.numbers = vec![number.clone()];
        })
        .await;
    stage.link(&device).await;
    let session = Session::start(&stage, &device);
    let connection = stage.whatsapp.connection(1).await;
    connection.connects_as(NUMBER);
    let row = stage.becomes(&device, DeviceStatus::LoggedOut).await;
    assert!(row.last_error.is_some_and(|why| why.contains("number")));
    assert!(connection.is_logged_out() && !stage.has_link(&device).await);
    assert!(session.open.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn another_number_that_is_allowed_is_another_link_and_its_lane_looks_into_the_outbox() {
    let stage = Stage::new().await;
    let number = PhoneNumber::parse("+6289999999999").unwrap();
    let change = |device: &mut Device| {
        device.phone_number = Some(number.clone());
        device.numbers = vec![number.clone()];
        device.allow_number_change = true;
    };
    let device = stage.device(change).await;
    let mut session = Session::start(&stage, &device);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    let row = stage.becomes(&device, DeviceStatus::Connected).await;
    assert_eq!((row.generation, row.numbers.len()), (1, 2));
    assert!(matches!(session.lane.recv().await, Some(LaneOrder::CatchUp(_))));
    let open = session.open.borrow().as_ref().map(|open| open.generation);
    assert_eq!(open, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_cannot_open_a_connection_says_so_and_tries_again() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.whatsapp.set_refusing(true);
    let _session = Session::start(&stage, &device);
    let row = stage.becomes(&device, DeviceStatus::Failed).await;
    assert!(row.last_error.is_some_and(|why| why.contains("no connection today")));
    stage.whatsapp.set_refusing(false);
    stage.whatsapp.connection(1).await.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_comes_again_over_another_connection() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let _session = Session::start(&stage, &device);
    let first = stage.whatsapp.connection(1).await;
    // Nobody knows yet whose messages these are.
    assert!(first.inbox().store(Vec::new()).await.is_err());
    stage.whatsapp.connection(2).await;
    assert!(first.is_closed());
    assert!(stage.row(&device).await.last_error.is_some_and(|why| why.contains("could not be stored")));
}
