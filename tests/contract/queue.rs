//! What the queues are relied on for.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::json;
use shared::{
    domain::{
        event::{Event, EventType},
        ids::{DeliveryId, DeviceId, EventId, MessageId, TenantId, WebhookId},
        webhook::Trigger,
    },
    queue::{
        QueueKind,
        payloads::{DeliveryPayload, DeliveryV1, SendMessageV1, SendPayload},
    },
};
use tokio::time::Instant;

use super::Place;

/// A queue of messages for one check alone: a FIFO queue whose messages stay hidden for so long.
async fn fifo(place: &Place, hidden: u32, more: &[(Name, String)]) -> String {
    let name = format!("{}{:08x}.fifo", place.prefix, rand::random::<u32>());
    let mut request = place
        .sqs
        .create_queue()
        .queue_name(name)
        .attributes(Name::FifoQueue, "true")
        .attributes(Name::VisibilityTimeout, hidden.to_string());
    for (name, value) in more {
        request = request.attributes(name.clone(), value);
    }
    request.send().await.expect("it is made").queue_url.expect("an address")
}

async fn send(place: &Place, url: &str, (group, text): (&str, &str)) {
    let request = place.sqs.send_message().queue_url(url).message_group_id(group);
    request
        .message_deduplication_id(format!("{group} {text}"))
        .message_body(text)
        .send()
        .await
        .expect("sent");
}

async fn delete(place: &Place, url: &str, handle: &str) {
    place.sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.expect("deleted");
}

async fn hide(place: &Place, url: &str, handle: &str, seconds: i32) {
    let request = place.sqs.change_message_visibility().queue_url(url).receipt_handle(handle);
    request.visibility_timeout(seconds).send().await.expect("hidden");
}

fn entry(place: &Place, device: DeviceId) -> SendMessageV1 {
    SendMessageV1 {
        account_id: TenantId::derived([7; 32]),
        device_id: device,
        message_id: MessageId::generate(place.now()),
        turn: None,
        after_gap: false,
    }
}

/// Through the code itself.
pub async fn a_group_comes_in_its_order(place: Place) {
    let device = DeviceId::generate(place.now());
    let entries: Vec<_> = (0..12).map(|_| entry(&place, device)).collect();
    for entry in &entries {
        place.queues.send_message(0, entry).await.unwrap();
    }
    let mut came = Vec::new();
    while came.len() < entries.len() {
        let received = place.queues.receive::<SendPayload>(QueueKind::Sends, 0).await.unwrap();
        assert!(!received.is_empty(), "messages are missing behind {}", came.len());
        let handles: Vec<_> = received.iter().map(|one| one.receipt_handle.clone()).collect();
        came.extend(received.into_iter().map(|one| match one.payload {
            SendPayload::V1(entry) => entry.message_id,
        }));
        place.queues.delete(QueueKind::Sends, 0, &handles).await.unwrap();
    }
    assert_eq!(came, entries.iter().map(|entry| entry.message_id).collect::<Vec<_>>());
}

pub async fn a_group_in_hand_waits_and_others_do_not(place: Place) {
    let url = fifo(&place, 60, &[]).await;
    send(&place, &url, ("a", "1")).await;
    let first = place.receive_one(&url).await;
    send(&place, &url, ("a", "2")).await;
    send(&place, &url, ("b", "1")).await;
    let other = place.receive_one(&url).await;
    assert_eq!(other.body(), Some("1"));
    assert!(place.receive(&url).await.is_empty(), "the group's next came although its first is in hand");
    delete(&place, &url, first.receipt_handle().unwrap()).await;
    assert_eq!(place.receive_one(&url).await.body(), Some("2"));
}

/// Through the code itself.
pub async fn the_same_deduplication_id_is_one_message(place: Place) {
    let entry = entry(&place, DeviceId::generate(place.now()));
    place.queues.send_message(1, &entry).await.unwrap();
    place.queues.send_message(1, &entry).await.unwrap();
    let url = place.url(QueueKind::Sends, 1).await;
    let first = place.receive_one(&url).await;
    // Also when the first is gone.
    delete(&place, &url, first.receipt_handle().unwrap()).await;
    place.queues.send_message(1, &entry).await.unwrap();
    assert!(place.receive(&url).await.is_empty(), "it came a second time");
}

pub async fn what_is_given_back_comes_again_and_its_newest_handle_deletes_it(place: Place) {
    let url = fifo(&place, 60, &[]).await;
    send(&place, &url, ("a", "1")).await;
    let first = place.receive_one(&url).await;
    hide(&place, &url, first.receipt_handle().unwrap(), 0).await;
    let second = place.receive_one(&url).await;
    assert_eq!((first.message_id(), first.body()), (second.message_id(), second.body()));
    delete(&place, &url, second.receipt_handle().unwrap()).await;
    send(&place, &url, ("a", "2")).await;
    assert_eq!(place.receive_one(&url).await.body(), Some("2"), "the first is gone");
}

pub async fn what_is_extended_stays_hidden(place: Place) {
    let url = fifo(&place, 5, &[]).await;
    send(&place, &url, ("a", "1")).await;
    let first = place.receive_one(&url).await;
    hide(&place, &url, first.receipt_handle().unwrap(), 12).await;
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(place.receive(&url).await.is_empty(), "it came by its first time");
    place.receive_one(&url).await;
    assert!(began.elapsed() > Duration::from_secs(10), "it came after {:?}", began.elapsed());
}

/// Through the code itself.
pub async fn many_are_deleted_in_few_requests(place: Place) {
    let entries: Vec<_> = (0..23_u64)
        .map(|n| entry(&place, DeviceId::generate(place.now() + Duration::from_millis(n))))
        .collect();
    for entry in &entries {
        place.queues.send_message(2, entry).await.unwrap();
    }
    let mut handles = Vec::new();
    while handles.len() < entries.len() {
        let received = place.queues.receive::<SendPayload>(QueueKind::Sends, 2).await.unwrap();
        assert!(!received.is_empty(), "messages are missing behind {}", handles.len());
        handles.extend(received.into_iter().map(|one| one.receipt_handle));
    }
    let depth = place.queues.depth(QueueKind::Sends, 2).await.unwrap();
    assert_eq!((depth.waiting, depth.in_hand), (0, 23));
    place.queues.extend(QueueKind::Sends, 2, &handles, Duration::from_secs(90)).await.unwrap();
    place.queues.delete(QueueKind::Sends, 2, &handles).await.unwrap();
    let depth = place.queues.depth(QueueKind::Sends, 2).await.unwrap();
    assert_eq!((depth.waiting, depth.in_hand), (0, 0));
}

pub async fn what_comes_too_often_goes_to_the_dead_letters(place: Place) {
    let dead = fifo(&place, 60, &[]).await;
    let asked = place.sqs.get_queue_attributes().queue_url(&dead).attribute_names(Name::QueueArn);
    let arn = asked.send().await.unwrap().attributes.unwrap().remove(&Name::QueueArn).unwrap();
    let policy = serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let url = fifo(&place, 60, &[(Name::RedrivePolicy, policy)]).await;
    send(&place, &url, ("a", "poison")).await;
    send(&place, &url, ("a", "good")).await;
    for _ in 0..2 {
        // One at a time: where several of a group come together, each has come once more.
        let asked =
            place.sqs.receive_message().queue_url(&url).max_number_of_messages(1).wait_time_seconds(1);
        let found = asked.send().await.unwrap().messages.unwrap_or_default();
        let first = found.first().expect("it comes twice");
        assert_eq!(first.body(), Some("poison"));
        hide(&place, &url, first.receipt_handle().unwrap(), 0).await;
    }
    let next = place.receive_one(&url).await;
    assert_eq!(next.body(), Some("good"), "what is behind a dead letter goes on");
    assert_eq!(place.receive_one(&dead).await.body(), Some("poison"));
}

/// A delivery that is the so-manieth try.
fn delivery(place: &Place, attempt: u32) -> DeliveryPayload {
    let now = place.now();
    let event = Event {
        id: EventId::at(now.unix_millis(), 1, 0),
        kind: EventType::MessageReceived,
        timestamp: now,
        device_id: None,
        data: json!({"text": {"body": "Halo"}}),
    };
    DeliveryPayload::V1(DeliveryV1 {
        account_id: TenantId::derived([1; 32]),
        webhook_id: WebhookId::generate(now),
        delivery_id: DeliveryId::generate(now),
        trigger: Trigger::Event,
        event,
        attempt,
        not_before: now,
        slow: false,
    })
}

/// Through the code itself, on a standard queue: FIFO queues have no delay for single messages.
pub async fn a_delay_holds_back_one_message_and_not_the_others(place: Place) {
    let delays = [(2, 4), (1, 0)];
    let delays = delays.map(|(attempt, seconds)| (delivery(&place, attempt), Duration::from_secs(seconds)));
    place.queues.send_delayed(QueueKind::Deliveries, delays).await.unwrap();
    let began = Instant::now();
    let url = place.url(QueueKind::Deliveries, 0).await;
    let attempt = |message: &aws_sdk_sqs::types::Message| {
        let DeliveryPayload::V1(delivery) =
            place.queues.read(QueueKind::Deliveries, message.body().unwrap()).unwrap();
        delivery.attempt
    };
    let first = place.receive_one(&url).await;
    assert!(!first.body().unwrap().contains("Halo"), "it is sealed");
    assert_eq!(attempt(&first), 1);
    assert!(began.elapsed() < Duration::from_secs(4), "it came after {:?}", began.elapsed());
    let second = place.receive_one(&url).await;
    assert_eq!(attempt(&second), 2);
    // To the second.
    assert!(began.elapsed() > Duration::from_secs(3), "it came after {:?}", began.elapsed());
}
