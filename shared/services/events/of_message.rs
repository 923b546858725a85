//! Events of messages.

use crate::{
    clock::Timestamp,
    domain::{
        event::{EventType, NewEvent},
        message::{Direction, Message, MessageStatus},
    },
};

/// Of a message that WhatsApp delivered: it was received, or its owner sent it on the phone. One that was stored
/// before may have been told, too.
pub fn of_delivery(message: &Message, is_new: bool) -> NewEvent {
    let kind = match message.direction {
        Direction::Incoming => EventType::MessageReceived,
        Direction::Outgoing => EventType::MessageSent,
    };
    event(kind, message, message.created_at).maybe_told_since((!is_new).then_some(message.created_at))
}

/// Of a message that moved forward: every step that it took, also those that were told of together.
pub fn of_steps(before: &Message, after: &Message, now: Timestamp) -> Vec<NewEvent> {
    let mut events = Vec::new();
    if before.sent_at.is_none()
        && let Some(at) = after.sent_at
    {
        let then =
            Message { status: MessageStatus::Sent, delivered_at: None, read_at: None, ..after.clone() };
        events.push(event(EventType::MessageSent, &then, at));
    }
    if before.delivered_at.is_none()
        && let Some(at) = after.delivered_at
    {
        let then = Message { status: MessageStatus::Delivered, read_at: None, ..after.clone() };
        events.push(event(EventType::MessageDelivered, &then, at));
    }
    if before.read_at.is_none()
        && let Some(at) = after.read_at
    {
        events.push(event(EventType::MessageRead, after, at));
    }
    if after.status == MessageStatus::Failed && before.status != MessageStatus::Failed {
        events.push(event(EventType::MessageFailed, after, now));
    }
    events
}

/// Of a message whose last step may have been written down without being told, by somebody who then died.
pub fn of_repeated(message: &Message, now: Timestamp) -> Vec<NewEvent> {
    let untouched = Message {
        status: MessageStatus::Sending,
        sent_at: None,
        delivered_at: None,
        read_at: None,
        ..message.clone()
    };
    let since = |event: &NewEvent| match event.kind {
        EventType::MessageFailed => message.created_at,
        _ => event.timestamp,
    };
    let steps = of_steps(&untouched, message, now).into_iter();
    steps
        .map(|event| {
            let since = since(&event);
            event.maybe_told_since(Some(since))
        })
        .collect()
}

/// The data is the message as the API shows it.
fn event(kind: EventType, message: &Message, at: Timestamp) -> NewEvent {
    let data = serde_json::to_value(message).unwrap_or_default();
    NewEvent::new(kind, at, message.device_id, data).of(message.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        content::Content,
        ids::{DeviceId, MessageId},
        message::Priority,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_millis(second * 1000)
    }

    fn message() -> Message {
        Message {
            id: MessageId::derived([1; 32]),
            device_id: DeviceId::derived([2; 32]),
            chat: "6281234567890@s.whatsapp.net".parse().unwrap(),
            sender: None,
            from_name: None,
            direction: Direction::Outgoing,
            content: Content::text("Halo"),
            status: MessageStatus::Sending,
            wa_message_id: "3EB0".into(),
            link_generation: 0,
            priority: Priority::Normal,
            attempts: 1,
            error: None,
            created_at: at(1),
            expires_at: None,
            sent_at: None,
            delivered_at: None,
            read_at: None,
        }
    }

    #[test]
    fn steps_that_were_written_together_are_told_one_by_one() {
        let before = message();
        let after = Message {
            status: MessageStatus::Delivered,
            sent_at: Some(at(2)),
            delivered_at: Some(at(3)),
            ..before.clone()
        };
        let events = of_steps(&before, &after, at(4));
        let told: Vec<_> = events.iter().map(|event| (event.kind, event.data["status"].clone())).collect();
        assert_eq!(
            told,
            [(EventType::MessageSent, "sent".into()), (EventType::MessageDelivered, "delivered".into())]
        );
        assert!(events[0].data["deliveredAt"].is_null());
        assert_eq!((events[0].timestamp, events[1].timestamp), (at(2), at(3)));
        let read = Message { status: MessageStatus::Read, read_at: Some(at(5)), ..after.clone() };
        let events = of_steps(&after, &read, at(6));
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].kind, EventType::MessageRead);
    }

    #[test]
    fn a_message_that_comes_again_says_since_when_it_may_have_been_told() {
        let message = Message { direction: Direction::Incoming, ..message() };
        assert_eq!(of_delivery(&message, true).maybe_since, None);
        let again = of_delivery(&message, false);
        assert_eq!((again.kind, again.maybe_since), (EventType::MessageReceived, Some(at(1))));
        assert_eq!(again.of, Some(message.id.to_string()));
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        use crate::domain::message::SendFailure;
        let before = message();
        let error = Some(SendFailure::new("expired", "too late"));
        let after = Message { status: MessageStatus::Failed, error, ..before.clone() };
        let events = of_steps(&before, &after, at(9));
        assert_eq!((events[0].kind, events[0].timestamp), (EventType::MessageFailed, at(9)));
        assert_eq!(events[0].data["error"]["code"], "expired");
        assert!(of_repeated(&after, at(9)).iter().all(|event| event.maybe_since == Some(at(1))));
    }
}
