//! Payloads as they lie in queues while versions change: what this version writes is what these tests have, it
//! reads what the first versions wrote, and what newer ones add to that.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;
use crate::domain::{command::RequestPairingCode, event::EventType};

fn tenant() -> TenantId {
    TenantId::derived([7; 32])
}

fn device() -> DeviceId {
    DeviceId::derived([8; 32])
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A payload is written like this, is read from it, and also from what a newer version adds to it.
fn is_written_as<T>(payload: &T, golden: Value)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_value(payload).unwrap(), golden);
    assert_eq!(serde_json::from_value::<T>(golden.clone()).unwrap(), *payload);
    let newer = with_more(golden);
    assert_eq!(serde_json::from_value::<T>(newer).unwrap(), *payload);
}

/// The same with a field more in every object but those that say what anybody may put into them.
fn with_more(mut golden: Value) -> Value {
    match &mut golden {
        Value::Object(fields) => {
            for (_, value) in fields.iter_mut().filter(|(name, _)| *name != "data") {
                *value = with_more(value.take());
            }
            fields.insert("fromTheFuture".into(), json!({"deep": [1, null]}));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = with_more(item.take())),
        _ => {}
    }
    golden
}

#[test]
fn a_send_says_whose_turn_it_is() {
    let message = MessageId::derived([9; 32]);
    let turn = SendTurnV1 {
        priority: Priority::Bulk,
        queued_at: at("2026-12-01T00:00:00.000Z"),
        expires_at: Some(at("2026-12-02T00:00:00.000Z")),
        chat: "6281234567890@s.whatsapp.net".parse().unwrap(),
        send_rules: 3,
        link_generation: 1,
    };
    let send = SendMessageV1 {
        account_id: tenant(),
        device_id: device(),
        message_id: message,
        turn: Some(turn),
        after_gap: true,
    };
    let golden = json!({
        "kind": "send_message.v1", "accountId": tenant(), "deviceId": device(), "messageId": message,
        "turn": {
            "priority": "bulk", "queuedAt": "2026-12-01T00:00:00.000Z",
            "expiresAt": "2026-12-02T00:00:00.000Z", "chat": "6281234567890@s.whatsapp.net", "sendRules": 3,
            "linkGeneration": 1,
        },
        "afterGap": true,
    });
    is_written_as(&SendPayload::V1(send), golden);
}

#[test]
fn a_send_of_the_first_version_is_read() {
    let message = MessageId::derived([9; 32]);
    let first = json!({
        "kind": "send_message.v1", "accountId": tenant(), "deviceId": device(), "messageId": message,
    });
    let SendPayload::V1(send) = serde_json::from_value(first).unwrap();
    assert_eq!((send.message_id, send.turn, send.after_gap), (message, None, false));
}

#[test]
fn a_priority_of_tomorrow_is_the_normal_one() {
    let turn = json!({
        "priority": "urgent", "queuedAt": "2026-12-01T00:00:00.000Z", "expiresAt": null,
        "chat": "6281234567890@s.whatsapp.net",
    });
    assert_eq!(serde_json::from_value::<SendTurnV1>(turn).unwrap().priority, Priority::Normal);
}

#[test]
fn commands_lie_in_the_queue_as_connectors_of_every_version_read_them() {
    let (tenant, device, command) = (tenant(), device(), CommandId::derived([3; 32]));
    let changed = CommandPayload::device_changed(tenant, device);
    let written = json!({"kind": "device_changed.v1", "accountId": tenant, "deviceId": device});
    assert_eq!(serde_json::to_value(&changed).unwrap(), written);
    let asked = json!({
        "kind": "pairing_code.v1",
        "accountId": tenant,
        "deviceId": device,
        "commandId": command,
        "phoneNumber": "6281234567890",
    });
    let read: CommandPayload = serde_json::from_value(asked.clone()).unwrap();
    assert_eq!(read.command_id, Some(command));
    let input: RequestPairingCode = serde_json::from_value(Value::Object(read.input.clone())).unwrap();
    assert_eq!(input.phone_number, "6281234567890");
    assert_eq!(serde_json::to_value(&read).unwrap(), asked);
}

#[test]
fn a_kind_that_is_newer_than_the_reader_is_read() {
    let (tenant, device) = (tenant(), device());
    let newer = json!({"kind": "set_name.v3", "accountId": tenant, "deviceId": device, "name": {"x": 1}});
    let read: CommandPayload = serde_json::from_value(newer).unwrap();
    assert_eq!((read.kind.as_str(), read.input["name"]["x"].as_i64()), ("set_name.v3", Some(1)));
}

#[test]
fn events_of_tomorrow_keep_their_names_on_their_way_to_the_log() {
    let block = BlockId::derived([1; 32]);
    let event = |kind: &str| {
        json!({
            "type": kind, "timestamp": "2026-12-01T00:00:00.000Z", "deviceId": device(),
            "data": {"id": "msg_1"}, "of": "msg_1",
        })
    };
    let golden = json!({
        "kind": "events.v1", "accountId": tenant(), "blockId": block,
        "events": [event("message.sent"), event("chat.archived")],
    });
    let payload: EventsPayload = serde_json::from_value(golden.clone()).unwrap();
    let EventsPayload::V1(EventsV1 { events, .. }) = &payload;
    assert_eq!(events[0].kind, EventType::MessageSent);
    is_written_as(&payload, golden);
}

#[test]
fn a_delivery_carries_its_event() {
    let golden = json!({
        "kind": "webhook_delivery.v1", "accountId": tenant(), "webhookId": WebhookId::derived([2; 32]),
        "deliveryId": DeliveryId::derived([3; 32]), "trigger": "event",
        "event": {
            "id": crate::domain::ids::EventId::at(1, 1, 0), "type": "message.read",
            "timestamp": "2026-12-01T00:00:00.000Z", "data": {},
        },
        "attempt": 1, "notBefore": "2026-12-01T00:00:00.000Z", "slow": true,
    });
    let payload: DeliveryPayload = serde_json::from_value(golden.clone()).unwrap();
    is_written_as(&payload, golden);
}

/// Whoever takes a message of a kind that it does not know leaves it in its queue.
#[test]
fn a_kind_of_tomorrow_is_not_taken_for_one_of_today() {
    let newer = json!({"kind": "send_message.v2", "accountId": tenant()});
    assert!(serde_json::from_value::<SendPayload>(newer).is_err());
}
