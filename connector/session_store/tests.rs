//! Everything the library stores comes back after a reload, in the rows and numbers of rows meant.

use std::sync::Arc;

use bytes::Bytes;
use whatsapp_rust::wacore::{
    appstate::{hash::HashState, processor::AppStateMutationMAC},
    store::{Device, traits::*},
};

use super::{
    testing::{Bench, bytes, mapping},
    *,
};

const PHONE: &str = "6281@s.whatsapp.net";

#[tokio::test]
async fn sessions_and_identities_of_a_person_share_a_row() {
    let bench = Bench::new();
    let store = bench.open().await;
    let sessions: Vec<(Arc<str>, Bytes)> =
        ["99@lid.0", "99:3@lid.0", "98@lid.0"].map(|address| (Arc::from(address), bytes(address))).into();
    store.put_sessions_batch(&sessions).await.unwrap();
    assert_eq!(bench.rows.written(), 2, "two people");
    store.put_identity("99:3@lid.0", [7; 32]).await.unwrap();
    store.put_session("97@lid.0", b"gone soon").await.unwrap();
    store.delete_session("97@lid.0").await.unwrap();
    store.delete_session("never there").await.unwrap();
    assert_eq!(bench.rows.names().len(), 2);

    let again = bench.open().await;
    for (address, session) in &sessions {
        assert_eq!(again.get_session(address).await.unwrap().as_ref(), Some(session));
    }
    assert_eq!(again.load_identity("99:3@lid.0").await.unwrap(), Some([7; 32]));
    assert_eq!(again.load_identity("99@lid.0").await.unwrap(), None);
    assert!(!again.has_session("97@lid.0").await.unwrap());
    assert!(again.has_signal_state_for_user("99").await.unwrap());
    assert!(!again.has_signal_state_for_user("9").await.unwrap());
    again.delete_session("99:3@lid.0").await.unwrap();
    again.delete_identity("99:3@lid.0").await.unwrap();
    assert!(again.has_session("99@lid.0").await.unwrap());
}

#[tokio::test]
async fn prekeys_are_few_rows_and_using_one_is_one_small_row() {
    let bench = Bench::new();
    let store = bench.open().await;
    let prekeys: Vec<(u32, Bytes)> = (1..=812).map(|id| (id, Bytes::from(vec![id as u8; 75]))).collect();
    let ids: Vec<u32> = prekeys.iter().map(|(id, _)| *id).collect();
    store.store_prekeys_batch(&prekeys, false).await.unwrap();
    store.mark_prekeys_uploaded(&ids).await.unwrap();
    assert_eq!(bench.rows.written(), 9);

    store.remove_prekey(500).await.unwrap();
    store.remove_prekey(500).await.unwrap();
    assert_eq!(bench.rows.written(), 10);
    let largest_mark = lock(&bench.rows.state)
        .rows
        .iter()
        .filter(|((_, _, name), _)| name == "prekeys-used")
        .map(|(_, data)| data.len())
        .max();
    assert!(largest_mark.unwrap() < 100);

    let again = bench.open().await;
    let mut loaded = again.load_prekeys_batch(&ids).await.unwrap();
    loaded.sort();
    let expected: Vec<_> = prekeys.iter().filter(|(id, _)| *id != 500).cloned().collect();
    assert_eq!(loaded, expected);
    assert_eq!(again.load_prekey(500).await.unwrap(), None);
    assert_eq!(again.get_max_prekey_id().await.unwrap(), 812);

    for id in 800..=812 {
        again.remove_prekey(id).await.unwrap();
    }
    assert_eq!(again.get_max_prekey_id().await.unwrap(), 799);
    assert_eq!(
        bench.rows.names().iter().filter(|name| name.starts_with("prekeys#")).count(),
        8,
        "a used up row goes"
    );
    again.store_prekey(500, b"anew", false).await.unwrap();
    assert_eq!(bench.open().await.load_prekey(500).await.unwrap(), Some(bytes("anew")));
}

#[tokio::test]
async fn signed_prekeys_and_sender_keys_come_back() {
    let bench = Bench::new();
    let store = bench.open().await;
    for id in 1..=3 {
        store.store_signed_prekey(id, &[id as u8]).await.unwrap();
    }
    store.remove_signed_prekey(2).await.unwrap();
    store
        .put_sender_keys_batch(&[(Arc::from("g::a"), bytes("1")), (Arc::from("g::b"), bytes("2"))])
        .await
        .unwrap();
    store.delete_sender_key("g::a").await.unwrap();

    let again = bench.open().await;
    assert_eq!(again.load_all_signed_prekeys().await.unwrap(), [(1, vec![1]), (3, vec![3])]);
    assert_eq!(again.load_signed_prekey(2).await.unwrap(), None);
    assert_eq!(again.get_sender_key("g::a").await.unwrap(), None);
    assert_eq!(again.get_sender_key("g::b").await.unwrap(), Some(b"2".to_vec()));
}

#[tokio::test]
async fn app_state_comes_back() {
    let bench = Bench::new();
    let store = bench.open().await;
    let key = AppStateSyncKey { key_data: vec![1], fingerprint: vec![2], timestamp: 3 };
    store.set_sync_key(b"one", key.clone()).await.unwrap();
    store.set_sync_key(b"two", key).await.unwrap();
    let state = HashState { version: 9, hash: [5; 128], mac_mismatch_fatal: true, ..HashState::default() };
    store.set_version("regular", state).await.unwrap();
    let macs: Vec<_> = (0..=255u8)
        .map(|n| AppStateMutationMAC { index_mac: vec![n; 32], value_mac: vec![n ^ 0xff; 32] })
        .collect();
    store.put_mutation_macs("regular", 9, &macs).await.unwrap();
    store.put_mutation_macs("other", 9, &macs[..3]).await.unwrap();
    store.delete_mutation_macs("regular", &[vec![7; 32]]).await.unwrap();

    let again = bench.open().await;
    assert_eq!(again.get_latest_sync_key_id().await.unwrap(), Some(b"two".to_vec()));
    assert_eq!(again.get_sync_key(b"one").await.unwrap().unwrap().timestamp, 3);
    assert!(again.get_sync_key(b"three").await.unwrap().is_none());
    let version = again.get_version("regular").await.unwrap();
    assert_eq!((version.version, version.hash, version.mac_mismatch_fatal), (9, [5; 128], true));
    assert_eq!(again.get_version("unknown").await.unwrap().version, HashState::default().version);
    let found = again.get_mutation_macs("regular", &[[6; 32], [7; 32], [8; 32]]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(again.get_mutation_mac("regular", &[255; 32]).await.unwrap(), Some(vec![0; 32]));
    again.clear_mutation_macs("regular").await.unwrap();
    let rest = bench.open().await;
    assert_eq!(rest.get_mutation_mac("regular", &[255; 32]).await.unwrap(), None);
    assert_eq!(rest.get_mutation_mac("other", &[2; 32]).await.unwrap(), Some(vec![2 ^ 0xff; 32]));
}

#[tokio::test]
async fn who_has_which_devices_comes_back() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.set_sender_key_status("g1", &[("a", true), ("b", true), ("c", false)]).await.unwrap();
    store.set_sender_key_status("g2", &[("a", true)]).await.unwrap();
    store.set_sender_key_status("g1", &[("b", false)]).await.unwrap();
    store.delete_sender_key_device_rows(&["a"]).await.unwrap();
    let lists: Vec<_> = (0..500)
        .map(|number| DeviceListRecord {
            user: number.to_string(),
            devices: vec![DeviceInfo::new(0, None), DeviceInfo::new(number, Some(2)).with_hosting(true)],
            timestamp: i64::from(number),
            phash: Some("2:abc".into()),
            raw_id: Some(number),
        })
        .collect();
    let before = bench.rows.written();
    store.update_device_lists(lists.clone()).await.unwrap();
    assert!(bench.rows.written() - before <= 64, "500 lists in 64 rows at most");
    store.delete_devices("3").await.unwrap();
    store.put_group_metadata("g1", b"blob").await.unwrap();
    store.put_group_metadata("g2", b"blob").await.unwrap();
    store.delete_group_metadata("g2").await.unwrap();
    store.save_base_key("99@lid.0", "M1", b"key").await.unwrap();
    store.save_base_key("99@lid.0", "M2", b"key").await.unwrap();
    store.delete_base_key("99@lid.0", "M2").await.unwrap();

    let again = bench.open().await;
    let mut devices = again.get_sender_key_devices("g1").await.unwrap();
    devices.sort();
    assert_eq!(devices, [("b".to_owned(), false), ("c".to_owned(), false)]);
    assert!(again.get_sender_key_devices("g2").await.unwrap().is_empty());
    let list = again.get_devices("499").await.unwrap().unwrap();
    assert_eq!(format!("{list:?}"), format!("{:?}", lists[499]));
    assert!(again.get_devices("3").await.unwrap().is_none());
    assert_eq!(again.get_group_metadata("g1").await.unwrap(), Some(b"blob".to_vec()));
    assert_eq!(again.get_group_metadata("g2").await.unwrap(), None);
    assert!(again.has_same_base_key("99@lid.0", "M1", b"key").await.unwrap());
    assert!(!again.has_same_base_key("99@lid.0", "M1", b"other").await.unwrap());
    assert!(!again.has_same_base_key("99@lid.0", "M2", b"key").await.unwrap());
    again.clear_sender_key_devices("g1").await.unwrap();
    again.set_sender_key_status("g3", &[("a", true)]).await.unwrap();
    again.clear_all_sender_key_devices().await.unwrap();
    assert!(!bench.rows.names().iter().any(|name| name.starts_with("group-devices")));
}

#[tokio::test]
async fn who_is_who_comes_back_and_is_reported_once() {
    let bench = Bench::new();
    let store = bench.open().await;
    let learned = store.learned();
    store.put_lid_mapping(&mapping("99", "6281", 1)).await.unwrap();
    store.put_lid_mapping(&mapping("99", "6281", 2)).await.unwrap();
    store.put_lid_mapping(&mapping("100", "6281", 3)).await.unwrap();
    let many: Vec<_> = (0..1000).map(|n| mapping(&format!("5{n}"), &format!("1{n}"), n)).collect();
    let before = bench.rows.written();
    store.put_lid_mappings(&many).await.unwrap();
    assert!(bench.rows.written() - before <= 64);
    assert_eq!(learned.next().await, ("6281".to_owned(), "99".to_owned()));
    assert_eq!(learned.next().await, ("6281".to_owned(), "100".to_owned()));
    for (phone, lid) in (0..1000).map(|n| (format!("1{n}"), format!("5{n}"))) {
        assert_eq!(learned.next().await, (phone, lid), "however many come at once");
    }

    let again = bench.open().await;
    assert_eq!(again.get_lid_mapping("99").await.unwrap().unwrap().updated_at, 2);
    assert_eq!(again.get_pn_mapping("6281").await.unwrap().unwrap().lid, "100", "the most recent");
    assert_eq!(again.get_all_lid_mappings().await.unwrap().len(), 1002);
    assert!(again.get_lid_mapping("0").await.unwrap().is_none());
}

#[tokio::test]
async fn what_could_not_be_opened_is_remembered_until_it_has_come() {
    let bench = Bench::new();
    let store = bench.open().await;
    let message = |id: &str, asked| MissingMessage {
        id: id.into(),
        sender: "6281:1@s.whatsapp.net".into(),
        recipient: "6282@s.whatsapp.net".into(),
        sent_at: 1,
        asked,
    };
    for (id, asked) in [("a", 0), ("b", 0), ("a", 1)] {
        store.remember_missing(message(id, asked)).await.unwrap();
    }
    let again = bench.open().await;
    assert!(again.missing() == [message("a", 1), message("b", 0)]);
    for id in ["a", "b", "c"] {
        again.forget_missing(id).await.unwrap();
    }
    again.close().await.unwrap();
    assert!(bench.open().await.missing().is_empty());
}

#[tokio::test]
async fn trusted_contact_tokens_come_back_and_expire() {
    let bench = Bench::new();
    let store = bench.open().await;
    let token = |token: &[u8], received, issued| TcTokenEntry {
        token: token.to_vec(),
        token_timestamp: received,
        sender_timestamp: issued,
    };
    store.put_tc_token("a@lid", &token(b"a", 10, None)).await.unwrap();
    store.touch_tc_token_sender_timestamp("a@lid", 50).await.unwrap();
    store.touch_tc_token_sender_timestamp("a@lid", 40).await.unwrap();
    store.store_received_tc_token("a@lid", b"stale", 9).await.unwrap();
    store.touch_tc_token_sender_timestamp("b@lid", 20).await.unwrap();
    store.store_received_tc_token("b@lid", b"b", 15).await.unwrap();
    store.put_tc_token("c@lid", &token(b"c", 1, Some(1))).await.unwrap();
    store.put_tc_token("d@lid", &token(b"d", 99, None)).await.unwrap();
    store.delete_tc_token("d@lid").await.unwrap();
    assert_eq!(store.delete_expired_tc_tokens(5, 5).await.unwrap(), 1);
    store.close().await.unwrap();

    let again = bench.open().await;
    let a = again.get_tc_token("a@lid").await.unwrap().unwrap();
    assert_eq!((a.token, a.token_timestamp, a.sender_timestamp), (b"a".to_vec(), 10, Some(50)));
    let b = again.get_tc_token("b@lid").await.unwrap().unwrap();
    assert_eq!((b.token, b.sender_timestamp), (b"b".to_vec(), Some(20)), "a placeholder gives way");
    assert_eq!(again.get_all_tc_token_jids().await.unwrap(), ["a@lid", "b@lid"]);
    assert_eq!(bench.rows.names().len(), 2);
}

#[tokio::test]
async fn the_link_comes_back_and_can_be_wiped() {
    let bench = Bench::new();
    let store = bench.open().await;
    assert!(!store.exists().await.unwrap());
    assert!(store.load().await.unwrap().is_none());
    let mut device = Device::new();
    device.push_name = "Toko".into();
    store.save(&device).await.unwrap();
    store.save(&device).await.unwrap();
    assert_eq!(bench.rows.written(), 1, "nothing new, nothing written");
    assert!(!bench.stores.has_link(bench.tenant, bench.device).await.unwrap());
    device.pn = Some(PHONE.parse().unwrap());
    store.save(&device).await.unwrap();
    store.put_session("99@lid.0", b"session").await.unwrap();
    assert!(bench.stores.has_link(bench.tenant, bench.device).await.unwrap());

    let again = bench.open().await;
    let loaded = again.load().await.unwrap().unwrap();
    assert_eq!((loaded.push_name.as_str(), loaded.pn), ("Toko", device.pn));
    assert_eq!(loaded.noise_key.private_key.serialize(), device.noise_key.private_key.serialize());
    assert!(store.put_session("99@lid.0", b"late").await.is_err(), "the newest store counts");

    bench.stores.wipe(bench.tenant, bench.device, bench.lease.clone()).await.unwrap();
    assert!(bench.rows.names().is_empty());
    assert!(again.put_session("99@lid.0", b"late").await.is_err());
    assert!(!bench.stores.has_link(bench.tenant, bench.device).await.unwrap());
    assert!(!bench.open().await.exists().await.unwrap());
}
