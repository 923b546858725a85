//! Messages that were sent or have arrived: stored for as long as they are needed, in few rows.

use whatsapp_rust::wacore::store::traits::*;

use super::{rows::MAX_CONTENT, testing::Bench, *};

const PHONE: &str = "6281@s.whatsapp.net";

#[tokio::test]
async fn sent_messages_share_rows_and_expire() {
    let bench = Bench::new();
    let store = bench.open().await;
    for number in 0..20 {
        store.store_sent_message("99@lid", &format!("3EB0{number:04}"), &[1; 60]).await.unwrap();
    }
    assert_eq!(bench.rows.written(), 0, "nobody waits for them");
    assert_eq!(store.sent_message("3EB00003"), Some(vec![1; 60]), "it may be looked at");
    for _ in 0..2 {
        let copy = store.take_sent_message("99@lid", "3EB00003").await.unwrap();
        assert_eq!(copy, Some(vec![1; 60]), "whoever else asks finds it, too");
        store.store_sent_message("99@lid", "3EB00003", &[1; 60]).await.unwrap();
    }
    assert_eq!(store.take_sent_message("98@lid", "3EB00003").await.unwrap(), None);
    store.close().await.unwrap();
    assert!(bench.rows.written() <= 4, "20 messages of 90 bytes in rows of 1 KB: {}", bench.rows.written());
    assert!(lock(&bench.rows.state).rows.values().all(|data| data.len() < 900));

    let again = bench.open().await;
    assert_eq!(again.take_sent_message("99@lid", "3EB00004").await.unwrap(), Some(vec![1; 60]));
    *lock(&bench.clock.0) += 10_000;
    again.store_sent_message("99@lid", "young", &[1]).await.unwrap();
    let before = bench.rows.written();
    assert_eq!(again.delete_expired_sent_messages(1_700_000_005).await.unwrap(), 18);
    again.close().await.unwrap();
    assert_eq!(bench.rows.names().len(), 1, "with two old ones beside the young one");
    assert_eq!(bench.rows.written() - before, 3, "two rows are deleted, one is written for the young one");
    let again = bench.open().await;
    assert_eq!(again.delete_expired_sent_messages(1_700_000_011).await.unwrap(), 3);
    again.close().await.unwrap();
    assert!(bench.rows.names().is_empty());
}

#[tokio::test]
async fn arrived_messages_are_durable_until_done_and_cost_one_write() {
    let bench = Bench::new();
    let store = bench.open().await;
    for number in 0..10 {
        let id = number.to_string();
        store.store_pending_inbound(PHONE, PHONE, &id, b"halo").await.unwrap();
        store.delete_pending_inbound(PHONE, PHONE, &id).await.unwrap();
    }
    assert_eq!(bench.rows.written(), 10, "each overwrites the one before");
    let large = vec![9; 3 * MAX_CONTENT];
    let row = |id, message| PendingInboundRow { chat: PHONE, sender: PHONE, id, message };
    store
        .store_pending_inbound_batch(&[row("small", b"x"), row("large", &large), row("empty", b"")])
        .await
        .unwrap();
    drop(store);

    let after_crash = bench.open().await;
    assert_eq!(after_crash.get_pending_inbound(PHONE, PHONE, "large").await.unwrap(), Some(large));
    assert_eq!(after_crash.get_pending_inbound(PHONE, PHONE, "empty").await.unwrap(), Some(vec![]));
    assert_eq!(after_crash.get_pending_inbound(PHONE, "other", "small").await.unwrap(), None);
    let keys = ["small", "large", "empty"].map(|id| PendingInboundKey { chat: PHONE, sender: PHONE, id });
    after_crash.delete_pending_inbound_batch(&keys).await.unwrap();
    after_crash.close().await.unwrap();
    assert!(bench.rows.names().is_empty(), "nothing is left: {:?}", bench.rows.names());
}

#[tokio::test]
async fn the_row_of_an_arrived_message_is_used_again_or_deleted_in_the_end() {
    let bench = Bench::new();
    let store = bench.open().await;
    for id in ["1", "2", "3"] {
        store.store_pending_inbound(PHONE, PHONE, id, b"halo").await.unwrap();
        store.delete_pending_inbound(PHONE, PHONE, id).await.unwrap();
        *lock(&bench.clock.0) += 60_000;
        store.write_later_rows(SPARE_SECONDS).await.unwrap();
    }
    assert_eq!(bench.rows.written(), 3, "nothing but the messages themselves");
    assert_eq!(bench.rows.names(), ["pending#0"]);
    *lock(&bench.clock.0) += 3_600_000;
    store.write_later_rows(SPARE_SECONDS).await.unwrap();
    assert!(bench.rows.names().is_empty());
    store.write_later_rows(SPARE_SECONDS).await.unwrap();
    assert_eq!(bench.rows.written(), 4);
}

#[tokio::test]
async fn arrived_messages_expire() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.store_pending_inbound(PHONE, PHONE, "old", b"x").await.unwrap();
    *lock(&bench.clock.0) += 10_000;
    store.store_pending_inbound(PHONE, PHONE, "new", b"y").await.unwrap();
    assert_eq!(store.delete_expired_pending_inbound(1_700_000_005).await.unwrap(), 1);
    assert_eq!(store.get_pending_inbound(PHONE, PHONE, "old").await.unwrap(), None);
    store.close().await.unwrap();
    assert_eq!(
        bench.open().await.get_pending_inbound(PHONE, PHONE, "new").await.unwrap(),
        Some(b"y".to_vec())
    );
}

#[tokio::test]
async fn message_secrets_come_back_and_expire() {
    let bench = Bench::new();
    let store = bench.open().await;
    let entry = |id: &str, expires_at, message_ts| MsgSecretEntry {
        chat: PHONE.into(),
        sender: PHONE.into(),
        msg_id: id.into(),
        secret: [3; 32],
        expires_at,
        message_ts,
    };
    store.put_msg_secrets(vec![entry("a", 10, 5), entry("b", 20, 0), entry("c", 0, 0)]).await.unwrap();
    store.put_msg_secrets(vec![entry("a", 5, 0)]).await.unwrap();
    assert_eq!(store.delete_expired_msg_secrets(9).await.unwrap(), 0, "a deadline never comes nearer");
    assert_eq!(store.delete_expired_msg_secrets(10).await.unwrap(), 1);
    store.close().await.unwrap();
    let again = bench.open().await;
    assert_eq!(again.get_msg_secret(PHONE, PHONE, "a").await.unwrap(), None);
    assert_eq!(again.get_msg_secret_with_ts(PHONE, PHONE, "b").await.unwrap(), Some((vec![3; 32], 0)));
    assert_eq!(again.delete_expired_msg_secrets(i64::MAX).await.unwrap(), 1, "0 is never");
}
