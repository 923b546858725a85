//! When rows are written, when they are not, and what becomes of a write that fails.

use whatsapp_rust::wacore::store::traits::*;

use super::{
    rows::MAX_CONTENT,
    testing::{Bench, FakeRows, Trouble, bytes, mapping},
    *,
};

#[tokio::test]
async fn a_row_opens_in_its_own_place_only() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.put_sender_key("g::a", b"secret key").await.unwrap();
    store.put_sender_key("g::b", b"other key").await.unwrap();
    let place = |name: &str, device| (bench.tenant, device, name.to_owned());
    let names = bench.rows.names();
    let stored = lock(&bench.rows.state).rows.clone();
    assert!(stored.values().all(|data| !data.windows(3).any(|part| part == b"key")), "nothing in clear");
    assert!(names.iter().all(|name| !name.contains("g::")), "no names in the sort key");

    // A row of one device under another device.
    let (_, other) = super::testing::ids();
    lock(&bench.rows.state)
        .rows
        .insert(place(&names[0], other), stored[&place(&names[0], bench.device)].clone());
    let error = bench.stores.open(bench.tenant, other, bench.lease.clone()).await.err();
    assert!(matches!(error, Some(SessionStoreError::Damaged(_))), "{error:?}");

    // Two rows of a device in each other's place.
    let swapped = stored[&place(&names[1], bench.device)].clone();
    lock(&bench.rows.state).rows.insert(place(&names[0], bench.device), swapped);
    assert!(bench.stores.open(bench.tenant, bench.device, bench.lease.clone()).await.is_err());

    // Another tenant sees nothing.
    let (tenant, _) = super::testing::ids();
    let foreign = bench.stores.open(tenant, bench.device, bench.lease.clone()).await.unwrap();
    assert_eq!(foreign.get_sender_key("g::a").await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_write_is_reported_and_made_up_for() {
    let bench = Bench::new();
    let store = bench.open().await;
    bench.rows.trouble([Trouble::Refused]);
    let error = store.put_session("99@lid.0", b"session").await.unwrap_err();
    assert!(!format!("{error:?}").contains("session\""), "no content in errors");
    assert!(bench.rows.names().is_empty());
    store.close().await.unwrap();
    assert_eq!(bench.open().await.get_session("99@lid.0").await.unwrap(), Some(bytes("session")));
}

#[tokio::test]
async fn a_row_that_is_too_large_is_refused_before_it_is_sent() {
    let bench = Bench::new();
    let store = bench.open().await;
    assert!(store.put_sender_key("g::a", &vec![0; MAX_CONTENT]).await.is_err());
    assert_eq!(bench.rows.written(), 0);
    store.put_sender_key("g::b", b"fine").await.unwrap();
}

#[tokio::test]
async fn a_row_that_is_as_stored_is_not_written_again() {
    let bench = Bench::new();
    let list = DeviceListRecord {
        user: "99".into(),
        devices: vec![DeviceInfo::new(0, None)],
        timestamp: 1,
        phash: None,
        raw_id: None,
    };
    for _ in 0..2 {
        let store = bench.open().await;
        for _ in 0..3 {
            store.put_identity("99@lid.0", [7; 32]).await.unwrap();
            store.put_session("99@lid.0", b"session").await.unwrap();
            store.put_lid_mapping(&mapping("99", "6281", 1)).await.unwrap();
            store.update_device_list(list.clone()).await.unwrap();
            store.set_sender_key_status("g", &[("a", true)]).await.unwrap();
        }
    }
    assert_eq!(bench.rows.written(), 5, "the person's row for the key and for the session, others once");
    let again = bench.open().await;
    again.put_identity("99@lid.0", [8; 32]).await.unwrap();
    again.put_identity("99@lid.0", [7; 32]).await.unwrap();
    assert_eq!(bench.rows.written(), 7, "there and back");
    assert_eq!(bench.open().await.load_identity("99@lid.0").await.unwrap(), Some([7; 32]));
}

#[tokio::test]
async fn what_comes_and_goes_before_it_is_stored_costs_nothing() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.store_sent_message("99@lid", "3EB0", b"x").await.unwrap();
    assert_eq!(store.delete_expired_sent_messages(i64::MAX).await.unwrap(), 1);
    store.close().await.unwrap();
    assert_eq!(bench.rows.written(), 0);
}

#[tokio::test]
async fn nobody_relies_on_a_write_that_is_under_way_or_failed() {
    let bench = Bench::over(FakeRows::with_delay(Duration::from_millis(20)));
    let store = bench.open().await;
    let put = |content: &'static [u8]| {
        let store = store.clone();
        async move { store.put_session("99@lid.0", content).await }
    };
    let requests = async |wanted| {
        while bench.stores.cost().requests < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // The second is written, though the first is the same: it may yet fail.
    bench.rows.trouble([Trouble::Refused]);
    let first = tokio::spawn(put(b"a"));
    requests(1).await;
    let (first, second) = tokio::join!(first, put(b"a"));
    assert!(first.unwrap().is_err() && second.is_ok());
    assert_eq!(bench.rows.written(), 1);

    // The first is on its way when the second is handed in, and when the third is: what is stored in the
    // end is the second, which the third is not.
    let first = tokio::spawn(put(b"b"));
    requests(3).await;
    let second = tokio::spawn(put(b"c"));
    first.await.unwrap().unwrap();
    put(b"b").await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(bench.open().await.get_session("99@lid.0").await.unwrap(), Some(bytes("b")));
}

#[tokio::test]
async fn a_store_whose_lease_is_over_takes_nothing_and_is_in_nobodys_way() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.put_session("99@lid.0", b"a").await.unwrap();
    store.store_sent_message("99@lid", "3EB0", b"x").await.unwrap();
    bench.lease.end();
    assert!(store.put_session("99@lid.0", b"b").await.is_err());
    assert!(store.put_session("99@lid.0", b"a").await.is_err(), "though there is nothing to write");
    assert!(matches!(store.close().await, Err(CommitError::Fenced)));
    let wiped = bench.stores.wipe(bench.tenant, bench.device, bench.lease.clone()).await;
    assert!(matches!(wiped, Err(SessionStoreError::NotWritten(CommitError::Fenced))));
    assert_eq!(bench.rows.written(), 1);

    let next = bench.stores.open(bench.tenant, bench.device, Lease::forever(0, 2)).await.unwrap();
    assert_eq!(next.get_session("99@lid.0").await.unwrap(), Some(bytes("a")));
    next.put_session("99@lid.0", b"c").await.unwrap();
}
