use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use proptest::prelude::*;
use shared::{
    domain::ids::{DeviceId, TenantId},
    store::session_keys::SessionKeyWrite,
};

use super::super::testing::{FakeRows, Trouble, ids, settings};
use super::*;

fn put((tenant, device): (TenantId, DeviceId), name: &str, data: &[u8]) -> RowWrite {
    let write = SessionKeyWrite { tenant, device, name: name.to_owned(), data: Some(data.to_vec()) };
    RowWrite { write, lease: Lease::forever(0, 1) }
}

async fn submit(commit: &GroupCommit, rows: Vec<RowWrite>) -> Receipt {
    commit.reserve().await.submit(rows)
}

fn one_writer(rows: &FakeRows) -> GroupCommit {
    GroupCommit::start(Arc::new(rows.clone()), CommitSettings { writers: 1, ..settings() })
}

#[tokio::test]
async fn changes_of_many_devices_share_requests() {
    let rows = FakeRows::with_delay(Duration::from_millis(5));
    let commit = one_writer(&rows);
    let mut receipts = Vec::new();
    for _ in 0..60 {
        receipts.push(submit(&commit, vec![put(ids(), "a", b"1"), put(ids(), "b", b"2")]).await.durable());
    }
    assert!(join_all(receipts).await.iter().all(Result::is_ok));
    let sizes: Vec<_> = lock(&rows.state).requests.iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 120);
    assert!(sizes.len() <= 6, "120 rows in {sizes:?}");
}

#[tokio::test]
async fn a_later_change_takes_the_place_of_a_waiting_one() {
    let rows = FakeRows::with_delay(Duration::from_millis(20));
    let commit = one_writer(&rows);
    let device = ids();
    let first = submit(&commit, vec![put(device, "busy", b"0")]).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let mut receipts = vec![first.durable()];
    for value in 1..=9u8 {
        receipts.push(submit(&commit, vec![put(device, "busy", &[value])]).await.durable());
    }
    assert!(join_all(receipts).await.iter().all(Result::is_ok));
    assert_eq!(rows.written(), 2, "the first, and the last of those that waited");
    assert_eq!(lock(&rows.state).rows.values().next().unwrap(), &[9]);
}

#[tokio::test]
async fn rows_go_out_in_the_order_they_came() {
    let rows = FakeRows::default();
    let commit = one_writer(&rows);
    let device = ids();
    let names: Vec<_> = (0..70).map(|number| format!("row {number:02}")).collect();
    let all = names.iter().map(|name| put(device, name, b"x")).collect();
    submit(&commit, all).await.durable().await.unwrap();
    assert_eq!(lock(&rows.state).requests.concat(), names);
}

#[tokio::test]
async fn no_change_of_a_device_overtakes_an_earlier_one_that_is_still_being_tried() {
    let rows = FakeRows::default();
    rows.trouble((0..3).map(|_| Trouble::Throttled));
    let commit = GroupCommit::start(Arc::new(rows.clone()), CommitSettings { writers: 4, ..settings() });
    let device = ids();
    let first = submit(&commit, vec![put(device, "pending#0", b"message")]).await;
    tokio::time::sleep(Duration::from_millis(3)).await;
    let second = submit(&commit, vec![put(device, "peer#1", b"session")]).await;
    let other = submit(&commit, vec![put(ids(), "peer#2", b"session")]).await;
    for receipt in [first, second, other] {
        receipt.durable().await.unwrap();
    }
    let written = lock(&rows.state).requests.concat();
    let at = |name: &str| written.iter().position(|row| row == name).unwrap();
    assert!(at("pending#0") < at("peer#1"), "{written:?}");
}

#[tokio::test]
async fn a_message_that_arrived_is_not_written_beside_what_comes_after_it() {
    let rows = FakeRows::with_delay(Duration::from_millis(10));
    let commit = one_writer(&rows);
    let device = ids();
    let busy = submit(&commit, vec![put(ids(), "keeps the writer busy", b"x")]).await;
    tokio::time::sleep(Duration::from_millis(4)).await;
    let mut receipts = vec![busy];
    // The session changes before the message and, with what the message did to it, after it.
    for name in ["peer#1", "lid-mappings", "pending#0", "peer#1", "pending#1"] {
        receipts.push(submit(&commit, vec![put(device, name, b"x")]).await);
    }
    for receipt in receipts {
        receipt.durable().await.unwrap();
    }
    let requests = lock(&rows.state).requests.clone();
    assert_eq!(requests[1..], [vec!["lid-mappings", "pending#0", "pending#1"], vec!["peer#1"]]);
}

#[tokio::test]
async fn what_dynamodb_leaves_is_sent_again() {
    let rows = FakeRows::default();
    rows.trouble([Trouble::Unprocessed(vec![0, 2]), Trouble::Throttled]);
    let commit = one_writer(&rows);
    let device = ids();
    let all = Vec::from(["a", "b", "c"].map(|name| put(device, name, b"x")));
    submit(&commit, all).await.durable().await.unwrap();
    assert_eq!(lock(&rows.state).requests, [vec!["b"], vec!["a", "c"]]);
}

#[tokio::test]
async fn who_waits_is_told_of_a_failure() {
    let rows = FakeRows::default();
    rows.trouble((0..4).map(|_| Trouble::Throttled));
    let commit = one_writer(&rows);
    let device = ids();
    let failed = submit(&commit, vec![put(device, "a", b"x")]).await.durable().await;
    assert!(matches!(failed, Err(CommitError::NotWritten(_))), "{failed:?}");
    submit(&commit, vec![put(device, "a", b"y")]).await.durable().await.unwrap();
    assert_eq!(rows.written(), 1);
}

#[tokio::test]
async fn a_row_that_is_refused_fails_alone() {
    let rows = FakeRows::default();
    lock(&rows.state).poison.insert("bad".into());
    let commit = one_writer(&rows);
    let good = submit(&commit, vec![put(ids(), "good", b"x")]).await;
    let bad = submit(&commit, vec![put(ids(), "bad", b"x")]).await;
    let also_good = submit(&commit, vec![put(ids(), "also good", b"x")]).await;
    let (good, bad, also_good) = tokio::join!(good.durable(), bad.durable(), also_good.durable());
    assert!(good.is_ok() && bad.is_err() && also_good.is_ok());
    assert_eq!(rows.written(), 2);
}

#[tokio::test]
async fn only_so_many_changes_wait() {
    let rows = FakeRows::with_delay(Duration::from_millis(30));
    let commit = GroupCommit::start(
        Arc::new(rows.clone()),
        CommitSettings { max_waiting: 2, writers: 1, ..settings() },
    );
    let first = submit(&commit, vec![put(ids(), "a", b"x")]).await;
    let second = submit(&commit, vec![put(ids(), "a", b"x")]).await;
    let third = tokio::time::timeout(Duration::from_millis(5), commit.reserve()).await;
    assert!(third.is_err(), "a third must wait");
    first.durable().await.unwrap();
    second.durable().await.unwrap();
    submit(&commit, vec![put(ids(), "a", b"x")]).await.durable().await.unwrap();
}

#[tokio::test]
async fn what_waits_when_the_last_handle_goes_is_written() {
    let rows = FakeRows::with_delay(Duration::from_millis(5));
    let commit = one_writer(&rows);
    let receipt =
        submit(&commit, (0..60).map(|number| put(ids(), &number.to_string(), b"x")).collect()).await;
    drop(commit);
    receipt.durable().await.unwrap();
    assert_eq!(rows.written(), 60);
}

fn put_under(lease: &Lease, device: (TenantId, DeviceId), name: &str) -> RowWrite {
    RowWrite { lease: lease.clone(), ..put(device, name, b"x") }
}

#[tokio::test]
async fn a_write_whose_lease_is_over_is_dropped_and_others_are_not() {
    let rows = FakeRows::with_delay(Duration::from_millis(20));
    let commit = one_writer(&rows);
    let (ended, good) = (Lease::forever(0, 1), Lease::forever(1, 1));
    let busy = submit(&commit, vec![put(ids(), "keeps the writer busy", b"x")]).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let device = ids();
    let late = submit(&commit, vec![put_under(&ended, device, "late")]).await;
    let other = submit(&commit, vec![put_under(&good, ids(), "other")]).await;
    ended.end();
    let (busy, late, other) = tokio::join!(busy.durable(), late.durable(), other.durable());
    assert!(matches!(late, Err(CommitError::Fenced)), "{late:?}");
    assert!(busy.is_ok() && other.is_ok());
    assert_eq!(rows.names().len(), 2);
    commit.quiet(device.1).await;
}

#[tokio::test]
async fn a_request_is_given_up_when_a_lease_ends_and_repeated_for_the_others() {
    let rows = FakeRows::with_delay(Duration::from_millis(400));
    let commit = one_writer(&rows);
    let lease = Lease::forever(0, 1);
    let late = submit(&commit, vec![put_under(&lease, ids(), "late")]).await;
    let other = submit(&commit, vec![put(ids(), "other", b"x")]).await;
    while commit.cost().requests == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    lease.end();
    assert!(matches!(late.durable().await, Err(CommitError::Fenced)));
    other.durable().await.unwrap();
    assert_eq!(rows.names(), ["other"]);
    assert_eq!(lock(&rows.state).requests, [vec!["other"]]);
}

#[tokio::test]
async fn a_lease_that_ends_between_two_tries_ends_the_tries() {
    let rows = FakeRows::default();
    rows.trouble([Trouble::Throttled]);
    let pause = CommitSettings { first_pause: Duration::from_millis(100), writers: 1, ..settings() };
    let commit = GroupCommit::start(Arc::new(rows.clone()), pause);
    let lease = Lease::forever(0, 1);
    let late = submit(&commit, vec![put_under(&lease, ids(), "late")]).await;
    while commit.cost().requests == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    lease.end();
    assert!(matches!(late.durable().await, Err(CommitError::Fenced)));
    assert_eq!((commit.cost().requests, rows.written()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever order, trouble and number of writers: what is stored is what was handed in last, and
    /// everybody was told so.
    #[test]
    fn the_last_change_of_every_row_wins(
        changes in prop::collection::vec((0..3usize, 0..6u8, any::<u8>()), 1..120),
        troubles in prop::collection::vec(0..3u8, 0..12),
        writers in 1..5usize,
    ) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let devices = [ids(), ids(), ids()];
            let rows = FakeRows::with_delay(Duration::from_micros(200));
            rows.trouble(troubles.into_iter().map(|kind| match kind {
                0 => Trouble::Throttled,
                1 => Trouble::Unprocessed(vec![0]),
                _ => Trouble::Unprocessed(vec![]),
            }));
            let settings = CommitSettings { writers, attempts: 30, ..settings() };
            let commit = GroupCommit::start(Arc::new(rows.clone()), settings);
            let mut receipts = Vec::new();
            let mut expected = std::collections::BTreeMap::new();
            for (at, (device, row, value)) in changes.into_iter().enumerate() {
                let (tenant, device) = devices[device];
                expected.insert((tenant, device, row.to_string()), vec![value]);
                receipts.push(submit(&commit, vec![put((tenant, device), &row.to_string(), &[value])]).await.durable());
                if at % 7 == 0 {
                    tokio::time::sleep(Duration::from_micros(150)).await;
                }
            }
            assert!(join_all(receipts).await.iter().all(Result::is_ok));
            assert_eq!(lock(&rows.state).rows, expected);
        });
    }
}
