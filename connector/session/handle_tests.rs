use shared::domain::{
    device::DeviceStatus,
    ids::{DeviceId, TenantId},
};

use super::*;
use crate::{
    outbound::Entries,
    ownership::Lease,
    testing::{NUMBER, Stage},
};

/// A device whose actor takes so long to come to its end once it is told to.
fn slow(takes: Duration, former: Option<DeviceHandle>) -> (DeviceHandle, watch::Receiver<&'static str>) {
    let assignment = Assignment {
        tenant: TenantId::derived([1; 32]),
        device: DeviceId::derived([2; 32]),
        shard: 0,
        lease: Lease::forever(0, 1),
    };
    let (orders, _) = mpsc::channel(MAX_WAITING_ORDERS);
    let (lane_orders, _) = mpsc::channel(MAX_WAITING_ORDERS);
    let (state, seen) = watch::channel("waiting");
    let former = end_of(former);
    let (stop_lane, stop_actor) = (CancellationToken::new(), CancellationToken::new());
    let lane = after(former.clone(), stop_lane.clone().cancelled_owned());
    let stopped = stop_actor.clone().cancelled_owned();
    let actor = after(former.clone(), async move {
        state.send_replace("running");
        stopped.await;
        tokio::time::sleep(takes).await;
        state.send_replace("ended");
    });
    let in_hand = Arc::default();
    let handle =
        DeviceHandle { assignment, orders, lane_orders, in_hand, stop_lane, stop_actor, actor, lane, former };
    (handle, seen)
}

#[tokio::test(start_paused = true)]
async fn a_fresh_one_starts_when_the_former_has_ended_and_holds_up_nobody_meanwhile() {
    let (former, mut was) = slow(Duration::from_secs(5), None);
    was.wait_for(|state| *state == "running").await.unwrap();
    let began = tokio::time::Instant::now();
    let (fresh, mut is) = slow(Duration::ZERO, Some(former));
    assert!(began.elapsed().is_zero());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((*was.borrow(), *is.borrow()), ("running", "waiting"));
    is.wait_for(|state| *state == "running").await.unwrap();
    assert_eq!(*was.borrow(), "ended");
    fresh.stop().await;
    assert_eq!(*is.borrow(), "ended");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_former_too() {
    let (former, mut was) = slow(Duration::from_secs(5), None);
    was.wait_for(|state| *state == "running").await.unwrap();
    let (fresh, _) = slow(Duration::ZERO, Some(former));
    fresh.stop().await;
    assert_eq!(*was.borrow(), "ended");
}

#[tokio::test(start_paused = true)]
async fn one_of_which_a_part_has_ended_winds_down() {
    let (handle, mut was) = slow(Duration::from_secs(1), None);
    was.wait_for(|state| *state == "running").await.unwrap();
    handle.stop_lane.cancel();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(handle.is_over() && !handle.has_ended());
    handle.wind_down();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(handle.has_ended());
}

/// An entry of the queue, and the order to look into the outbox that came with it.
fn catch_up(entries: &Entries) -> Order {
    Order::CatchUp(CatchUpRequest { entry: Some(entries.hold("no such entry".into())), gap: false })
}

#[tokio::test(start_paused = true)]
async fn a_device_is_connected_by_its_actor_and_sends_by_its_lane() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    stage.message(&device, "hello", |_| {}).await;
    let handle = DeviceHandle::start(stage.worker.clone(), device.clone(), None, None);
    let connection = stage.whatsapp.connection(1).await;
    connection.connects_as(NUMBER);
    stage.becomes(&device, DeviceStatus::Connected).await;
    assert!(!handle.has_work());
    assert!(handle.order(Order::CatchUp(CatchUpRequest::default())).is_ok());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(connection.texts(), ["hello"]);
    assert!(!handle.has_work() && !handle.is_over());
    handle.stop().await;
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn what_a_lane_has_no_room_for_goes_back_to_the_queue() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (entries, _settling) = Entries::start(stage.worker.ctx.queues.clone(), 0);
    let handle = DeviceHandle::start(stage.worker.clone(), device, None, None);
    // Nothing of it has run yet.
    for _ in 0..MAX_WAITING_ORDERS + 3 {
        assert!(handle.order(catch_up(&entries)).is_ok());
    }
    assert_eq!(entries.count(), MAX_WAITING_ORDERS);
    handle.stop().await;
    assert_eq!(entries.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_order_for_a_device_that_is_over_comes_back() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let nobody = Assignment { device: DeviceId::derived([9; 32]), ..device };
    let handle = DeviceHandle::start(stage.worker.clone(), nobody, None, None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(handle.is_over());
    assert!(matches!(handle.order(Order::Look(None)), Err(Order::Look(None))));
    handle.wind_down();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(handle.has_ended());
}
