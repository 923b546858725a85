//! The text of an event stream, as the HTML standard defines it (section 9.2, server-sent events).

use std::fmt::Write;

use serde_json::json;
use shared::domain::{event::Event, ids::EventId};

/// What a stream begins with: when to come back after it broke off, and something that gets through proxies
/// which wait for a first byte.
pub(super) const GREETING: &str = "retry: 2000\n: welcome\n\n";

/// Something that says nothing, so that neither end takes the other for gone.
pub(super) const HEARTBEAT: &str = ": still here\n\n";

/// Adds an event.
pub(super) fn add(text: &mut String, event: &Event) {
    // On one line: JSON escapes line breaks.
    let json = serde_json::to_string(event).unwrap_or_default();
    let _to_a_string = write!(text, "id: {}\nevent: {}\ndata: {json}\n\n", event.id, event.kind);
}

/// Adds that some events are missing, before the oldest that is kept. Without an id: the place in the log stays.
pub(super) fn add_gap(text: &mut String, after: Option<EventId>) {
    let data =
        json!({"after": after, "detail": "events after this one are no longer kept; the oldest comes next"});
    let _to_a_string = write!(text, "event: gap\ndata: {data}\n\n");
}

#[cfg(test)]
mod tests {
    use shared::{
        clock::Timestamp,
        domain::{event::EventType, ids::DeviceId},
    };

    use super::*;

    #[test]
    fn an_event_is_one_block_whatever_people_wrote() {
        let event = Event {
            id: EventId::at(1_700_000_000_000, 7, 0),
            kind: EventType::MessageReceived,
            timestamp: Timestamp::from_unix_millis(0),
            device_id: Some(DeviceId::derived([1; 32])),
            data: json!({"text": {"body": "a\n\nevent: qr.generated\r\ndata: x"}}),
        };
        let mut text = String::new();
        add(&mut text, &event);
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[0], format!("id: {}", event.id));
        assert_eq!(lines[1], "event: message.received");
        assert_eq!(serde_json::from_str::<Event>(lines[2].strip_prefix("data: ").unwrap()).unwrap(), event);
        assert_eq!(lines[3..], ["", ""]);
    }

    #[test]
    fn a_gap_has_no_id_so_that_the_place_in_the_log_stays() {
        let mut text = String::new();
        add_gap(&mut text, None);
        assert!(text.starts_with("event: gap\ndata: {") && !text.contains("id:"));
    }
}
