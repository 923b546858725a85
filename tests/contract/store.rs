//! What the store relies on.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use serde_json::json;
use shared::{
    clock::Timestamp,
    domain::{
        alias::{Alias, UniqueIn},
        device::{Device, Link},
        ids::{DeviceId, MessageId, TenantId, WorkerId},
        message::{Message, MessageStatus, Priority},
        pacing::Pacing,
        plan::{Meter, Rate, Span},
        retention::Retention,
    },
    store::{
        aliases::{self, Named},
        counters::{self, Charged},
        devices,
        leases::{self, Claim},
        messages::{self, Advanced, Inserted, Step},
        outbox,
    },
};

use super::Place;

fn message(device: DeviceId, now: Timestamp) -> Message {
    let id = MessageId::generate(now);
    let message = json!({
        "id": id, "deviceId": device, "chat": "6281100000001@s.whatsapp.net", "direction": "outgoing",
        "type": "text", "text": {"body": "Halo"}, "status": "queued", "waMessageId": id.wa_message_id(),
        "attempts": 0, "error": null, "createdAt": now, "expiresAt": now + Duration::from_secs(60),
        "sentAt": null, "deliveredAt": null, "readAt": null,
    });
    serde_json::from_value(message).expect("a message")
}

fn ids(place: &Place) -> (TenantId, DeviceId) {
    (TenantId::generate(place.now()), DeviceId::generate(place.now()))
}

fn link(tenant: TenantId, device: DeviceId) -> Link {
    Link { tenant, device, generation: 0 }
}

/// A shard that no other check uses.
fn shard() -> u16 {
    rand::random_range(1000..u16::MAX)
}

pub async fn a_row_is_made_once(place: Place) {
    let ((tenant, device), shard) = (ids(&place), shard());
    let message = message(device, place.now());
    let tries = (0..8).map(|n| {
        let hash = Some(format!("request {n}"));
        messages::insert_outgoing(&place.db, tenant, &message, shard, hash, Retention::default())
    });
    let outcomes: Vec<_> = join_all(tries).await.into_iter().map(|tried| tried.unwrap()).collect();
    let made = outcomes.iter().filter(|outcome| matches!(outcome, Inserted::New)).count();
    assert_eq!(made, 1);
    // Those who came too late see what was there before.
    let hashes: BTreeSet<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Inserted::New => None,
            Inserted::Existing { request_hash, .. } => Some(request_hash.clone()),
        })
        .collect();
    assert_eq!(hashes.len(), 1);
}

pub async fn a_status_moves_forward_and_never_back(place: Place) {
    let ((tenant, device), shard, now) = (ids(&place), shard(), place.now());
    let message = message(device, now);
    let id = message.id.wa_message_id();
    let advance = async |status| {
        messages::advance(&place.db, tenant, device, &id, Step::to(status, now)).await.unwrap()
    };
    assert!(matches!(advance(MessageStatus::Sent).await, Advanced::Missing));
    messages::insert_outgoing(&place.db, tenant, &message, shard, None, Retention::default()).await.unwrap();
    assert!(matches!(advance(MessageStatus::Sending).await, Advanced::Done(_)));
    assert!(matches!(advance(MessageStatus::Delivered).await, Advanced::Done(_)));
    match advance(MessageStatus::Sent).await {
        Advanced::Stale(now) => assert_eq!(now.status, MessageStatus::Delivered),
        other => panic!("it went back: {other:?}"),
    }
    let stored = messages::get(&place.db, tenant, device, message.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.attempts), (MessageStatus::Delivered, 1));
}

pub async fn the_outbox_is_an_index_that_rows_leave(place: Place) {
    let ((tenant, device), shard, now) = (ids(&place), shard(), place.now());
    let all: Vec<Message> = (0..5).map(|n| message(device, now + Duration::from_millis(n))).collect();
    for message in &all {
        messages::insert_outgoing(&place.db, tenant, message, shard, None, Retention::default())
            .await
            .unwrap();
    }
    let other = DeviceId::generate(now);
    messages::insert_outgoing(&place.db, tenant, &message(other, now), shard, None, Retention::default())
        .await
        .unwrap();

    // An index may follow a little later.
    crate::eventually("all are in the outbox", async || {
        (outbox::count_of_shard(&place.db, shard, 100).await.unwrap() == 6).then_some(())
    })
    .await;
    let waiting =
        outbox::of_link(&place.db, shard, link(tenant, device), Priority::Normal, None, 10).await.unwrap();
    let waiting_ids: Vec<_> = waiting.iter().map(|waiting| waiting.message).collect();
    assert_eq!(waiting_ids, all.iter().map(|message| message.id).collect::<Vec<_>>(), "in their order");
    let rest =
        outbox::of_link(&place.db, shard, link(tenant, device), Priority::Normal, Some(&waiting[1]), 10)
            .await;
    assert_eq!(rest.unwrap().len(), 3);

    let sent = Step::to(MessageStatus::Sent, now);
    messages::advance(&place.db, tenant, device, &all[0].id.wa_message_id(), sent).await.unwrap();
    crate::eventually("what is sent leaves the outbox", async || {
        (outbox::count(&place.db, shard, link(tenant, device), 100).await.unwrap() == 4).then_some(())
    })
    .await;
    // What is long is not counted to its end.
    assert_eq!(outbox::count(&place.db, shard, link(tenant, device), 3).await.unwrap(), 3);
}

pub async fn a_lease_is_taken_renewed_and_refused(place: Place) {
    let (shard, now) = (shard(), place.now());
    let (a, b) = (WorkerId::generate(now), WorkerId::generate(now + Duration::from_millis(1)));
    let row = async || leases::list(&place.db).await.unwrap().into_iter().find(|row| row.shard == shard);
    assert_eq!(leases::take(&place.db, shard, a, None).await.unwrap(), Claim::Done);
    assert_eq!(leases::take(&place.db, shard, b, None).await.unwrap(), Claim::Refused);
    assert_eq!(leases::renew(&place.db, shard, a, 1).await.unwrap(), Claim::Done);
    assert_eq!(leases::renew(&place.db, shard, b, 1).await.unwrap(), Claim::Refused);
    assert_eq!(leases::renew(&place.db, shard, a, 2).await.unwrap(), Claim::Refused);
    let seen = row().await.unwrap();
    assert_eq!((seen.owner, seen.epoch, seen.counter), (Some(a), 1, 2));
    // Who saw it before it was renewed comes too late.
    leases::renew(&place.db, shard, a, 1).await.unwrap();
    assert_eq!(leases::take(&place.db, shard, b, Some(&seen)).await.unwrap(), Claim::Refused);
    let seen = row().await.unwrap();
    assert_eq!(leases::take(&place.db, shard, b, Some(&seen)).await.unwrap(), Claim::Done);
    assert_eq!(leases::release(&place.db, shard, a, 1).await.unwrap(), Claim::Refused);
    assert_eq!(leases::release(&place.db, shard, b, 2).await.unwrap(), Claim::Done);
    let seen = row().await.unwrap();
    assert_eq!((seen.owner, seen.epoch), (None, 2));
}

pub async fn of_many_takers_one_gets_the_lease(place: Place) {
    let shard = shard();
    for round in 0..5_u64 {
        let seen = leases::list(&place.db).await.unwrap().into_iter().find(|row| row.shard == shard);
        let takers = (0..10).map(|n| {
            let me = WorkerId::derived([u8::try_from(n).unwrap(); 32]);
            leases::take(&place.db, shard, me, seen.as_ref())
        });
        let claims: Vec<_> = join_all(takers).await.into_iter().map(|claim| claim.unwrap()).collect();
        assert_eq!(claims.iter().filter(|claim| **claim == Claim::Done).count(), 1, "round {round}");
    }
}

pub async fn a_limit_lets_in_so_many_and_no_more(place: Place) {
    let ((tenant, _), now) = (ids(&place), place.now());
    let limits = [
        (Meter::Messages, Rate { limit: 7, per: Span::Hour }),
        (Meter::Messages, Rate { limit: 100, per: Span::Month }),
    ];
    let charges = (0..20).map(|_| counters::charge(&place.db, tenant, &limits, 1, now));
    let outcomes = join_all(charges).await.into_iter().map(|charged| charged.unwrap());
    assert_eq!(outcomes.filter(|charged| matches!(charged, Charged::Done(_))).count(), 7);
    match counters::charge(&place.db, tenant, &limits, 1, now).await.unwrap() {
        Charged::Refused(standings) => {
            assert_eq!(standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [7, 7]);
        }
        Charged::Done(_) => panic!("the limit lets in one more"),
    }
}

pub async fn a_list_comes_in_pages_that_join_up(place: Place) {
    let ((tenant, device), shard, now) = (ids(&place), shard(), place.now());
    let all: Vec<Message> = (0..25).map(|n| message(device, now + Duration::from_millis(n))).collect();
    for message in &all {
        messages::insert_outgoing(&place.db, tenant, message, shard, None, Retention::default())
            .await
            .unwrap();
    }
    crate::eventually("all are in the outbox", async || {
        (outbox::count(&place.db, shard, link(tenant, device), 100).await.unwrap() == 25).then_some(())
    })
    .await;
    // By chat, from an index whose rows are then read in batches, newest first.
    let (mut found, mut from, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = messages::list_by_chat(
            &place.db,
            link(tenant, device),
            std::slice::from_ref(&all[0].chat),
            10,
            from,
        )
        .await
        .unwrap();
        assert!(page.items.len() <= 10);
        found.extend(page.items.into_iter().map(|message| message.id));
        (pages, from) = (pages + 1, page.next);
        if from.is_none() {
            break;
        }
    }
    assert_eq!(found, all.iter().rev().map(|message| message.id).collect::<Vec<_>>());
    assert_eq!(pages, 3);
}

pub async fn a_foreign_name_is_one_devices_and_goes_with_it(place: Place) {
    let (db, now) = (&place.db, place.now());
    let made = async |tenant: TenantId| {
        let device = json!({
            "id": DeviceId::generate(now), "accountId": tenant, "name": "Shop", "status": "disconnected",
            "desired": "connected", "shard": 0, "pacing": Pacing::default(), "createdAt": now, "updatedAt": now,
        });
        let device: Device = serde_json::from_value(device).unwrap();
        devices::create(db, &device, None).await.unwrap();
        device
    };
    let again = async |device: &Device| {
        devices::get(db, device.account_id, device.id).await.unwrap().expect("a device")
    };
    let (ani, budi) = (ids(&place).0, ids(&place).0);
    let (shop, office, other) = (made(ani).await, made(ani).await, made(budi).await);
    let alias = |name: &str, unique_in| Alias { namespace: "wahub".into(), name: name.into(), unique_in };
    let (own, common) = (alias("shop", UniqueIn::Tenant(ani)), alias("shop", UniqueIn::Deployment));
    assert_eq!(aliases::add(db, &shop, &own).await.unwrap(), Named::Done);
    assert_eq!(aliases::add(db, &office, &own).await.unwrap(), Named::Taken);
    // Another tenant has names of its own, but not of the deployment's.
    let theirs = alias("shop", UniqueIn::Tenant(budi));
    assert_eq!(aliases::add(db, &other, &theirs).await.unwrap(), Named::Done);
    // Who read the device before it was named comes too late.
    assert_eq!(aliases::add(db, &shop, &common).await.unwrap(), Named::Refused);
    assert_eq!(aliases::add(db, &again(&shop).await, &common).await.unwrap(), Named::Done);
    assert_eq!(aliases::add(db, &again(&other).await, &common).await.unwrap(), Named::Taken);
    assert_eq!(aliases::find(db, &common).await.unwrap(), Some((ani, shop.id)));
    assert_eq!(aliases::find(db, &theirs).await.unwrap(), Some((budi, other.id)));
    assert_eq!(again(&shop).await.aliases, [own.clone(), common.clone()]);

    assert!(aliases::remove(db, &again(&shop).await, &own).await.unwrap());
    assert_eq!(aliases::find(db, &own).await.unwrap(), None);
    assert_eq!(aliases::add(db, &office, &own).await.unwrap(), Named::Done);
    aliases::delete_of_device(db, ani, shop.id).await.unwrap();
    assert_eq!(aliases::find(db, &common).await.unwrap(), None);
    assert_eq!(devices::list_all(db, ani).await.unwrap().len(), 2, "names are no devices");
}

pub async fn tables_drop_rows_by_their_ttl_attribute(place: Place) {
    let tables: serde_json::Value = serde_json::from_str(include_str!("../../infra/tables.json")).unwrap();
    for table in tables["tables"].as_array().unwrap() {
        let name = format!("{}{}", place.prefix, table["name"].as_str().unwrap());
        let told = place.db.client().describe_time_to_live().table_name(&name).send().await.unwrap();
        let told = told.time_to_live_description;
        let attribute = told.as_ref().and_then(|told| told.attribute_name.clone());
        assert_eq!(attribute.as_deref(), table["ttl"].as_str(), "{name}");
    }
}
