//! A JSON object a line, for log services: `timestamp`, `level`, `target`, `fields` and the `spans` around it. An
//! error is told with its causes, which the format of `tracing_subscriber` leaves out.

use std::{error::Error, fmt};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormattedFields,
        format::{FormatEvent, JsonFields, Writer},
    },
    registry::LookupSpan,
};

use crate::{
    clock::{Clock, SystemClock},
    failure::with_causes,
};

/// The format.
pub(super) struct Json;

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let meta = event.metadata();
        let mut line = json!({
            "timestamp": SystemClock.now().to_string(),
            "level": meta.level().as_str(),
            "target": meta.target(),
            "fields": fields.0,
        });
        let spans = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
        let spans: Vec<Value> = spans
            .map(|span| {
                let mut told = span
                    .extensions()
                    .get::<FormattedFields<JsonFields>>()
                    .and_then(|fields| serde_json::from_str::<Map<String, Value>>(fields).ok())
                    .unwrap_or_default();
                told.insert("name".into(), span.name().into());
                told.into()
            })
            .collect();
        if !spans.is_empty() {
            line["spans"] = spans.into();
        }
        writeln!(writer, "{line}")
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::fmt;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("DynamoDB refused a request")]
    struct Refused(#[source] io::Error);

    fn written(log: impl FnOnce()) -> Vec<Value> {
        let paper = Paper::default();
        let copy = paper.clone();
        let layer = fmt().json().event_format(Json).with_writer(move || copy.clone()).finish();
        tracing::subscriber::with_default(layer, log);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn numbers_stay_numbers_and_spans_are_named() {
        let lines = written(|| {
            let span = tracing::info_span!("request", id = "req_1");
            span.in_scope(|| tracing::info!(sessions = 3_u32, "how many"));
        });
        assert_eq!(lines[0]["fields"], json!({"message": "how many", "sessions": 3}));
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[0]["spans"], json!([{"name": "request", "id": "req_1"}]));
        assert!(lines[0]["timestamp"].as_str().is_some_and(|text| text.ends_with('Z')));
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = Refused(io::Error::other("there is no such \"table\"\nin sight"));
        let lines = written(|| tracing::error!(error = &error as &dyn Error, "a request failed"));
        let told = "DynamoDB refused a request: there is no such \"table\"\nin sight";
        assert_eq!(lines[0]["fields"]["error"], told);
    }
}
