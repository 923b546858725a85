//! Reading the faults that a call asks for, so that what is wrong is said in the API's words.

use functions::error::Problem;
use serde_json::{Map, Value};

use crate::whatsapp::{
    address::digits,
    faults::{Armed, DropMoment, Fault, RateScope},
};

/// The kinds, and which fields each has beside [`COMMON`].
const KINDS: [(&str, &[&str]); 9] = [
    ("dropSockets", &["when"]),
    ("delayAcks", &["delayMs"]),
    ("withholdAcks", &[]),
    ("nack", &["code"]),
    ("rateLimit", &["scope"]),
    ("replaceStream", &[]),
    ("rejectLogin", &["reason"]),
    ("delayAnswers", &["delayMs"]),
    ("withholdDeviceNotifications", &[]),
];
/// The fields that every fault has.
const COMMON: [&str; 3] = ["kind", "number", "times"];

/// One fault, or several under `faults`.
pub fn read(body: &Value) -> Result<Vec<Armed>, Problem> {
    let fields = object(body, "body")?;
    let Some(list) = fields.get("faults") else { return Ok(vec![Fields { fields, path: "" }.armed()?]) };
    if let Some(other) = fields.keys().find(|name| *name != "faults") {
        return Err(Problem::invalid(other, "unknown_field", "beside `faults` there is nothing else"));
    }
    let list = list.as_array();
    let list = list.ok_or_else(|| Problem::invalid("faults", "wrong_type", "a list of faults is wanted"))?;
    let each = list.iter().enumerate().map(|(n, fault)| {
        let path = format!("faults[{n}]");
        Fields { fields: object(fault, &path)?, path: &format!("{path}.") }.armed()
    });
    each.collect()
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, Problem> {
    value.as_object().ok_or_else(|| Problem::invalid(path, "wrong_type", "an object is wanted"))
}

/// The fields of one fault.
struct Fields<'a> {
    fields: &'a Map<String, Value>,
    /// What stands before a field's name when it is named.
    path: &'a str,
}

impl Fields<'_> {
    fn armed(&self) -> Result<Armed, Problem> {
        let fault = self.fault()?;
        let number = match self.fields.get("number") {
            None | Some(Value::Null) => None,
            Some(number) => Some(number.as_str().and_then(digits).ok_or_else(|| {
                self.wrong("number", "phone_invalid", "an E.164 number is wanted, like +6281234567890")
            })?),
        };
        let times = if self.fields.contains_key("times") { self.number("times", 1, u32::MAX)? } else { 1 };
        Ok(Armed { fault, number, times })
    }

    fn fault(&self) -> Result<Fault, Problem> {
        let names = KINDS.map(|(name, _)| name);
        let kind = self.text("kind", None, &names)?;
        let own = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, own)| *own);
        let known = |name: &&String| COMMON.contains(&name.as_str()) || own.contains(&name.as_str());
        if let Some(unknown) = self.fields.keys().find(|name| !known(name)) {
            let fields = [&COMMON[..], own].concat().join(", ");
            return Err(self.wrong(unknown, "unknown_field", format!("{kind} has the fields {fields}")));
        }
        let code = |name| self.number(name, 0, u16::MAX);
        Ok(match kind {
            "dropSockets" => {
                let when = match self.text("when", Some("now"), &["now", "beforeMessage", "beforeAck"])? {
                    "beforeMessage" => DropMoment::BeforeMessage,
                    "beforeAck" => DropMoment::BeforeAck,
                    _ => DropMoment::Now,
                };
                Fault::DropSockets { when }
            }
            "delayAcks" => Fault::DelayAcks { delay_ms: self.number("delayMs", 0, u64::MAX)? },
            "withholdAcks" => Fault::WithholdAcks,
            "nack" => Fault::Nack { code: code("code")? },
            "rateLimit" => {
                let scope = match self.text("scope", Some("messages"), &["messages", "stream"])? {
                    "stream" => RateScope::Stream,
                    _ => RateScope::Messages,
                };
                Fault::RateLimit { scope }
            }
            "replaceStream" => Fault::ReplaceStream,
            "rejectLogin" => Fault::RejectLogin { reason: code("reason")? },
            "delayAnswers" => Fault::DelayAnswers { delay_ms: self.number("delayMs", 0, u64::MAX)? },
            _ => Fault::WithholdDeviceNotifications,
        })
    }

    /// A text that is one of `allowed`.
    fn text(
        &self,
        name: &str,
        default: Option<&'static str>,
        allowed: &[&'static str],
    ) -> Result<&'static str, Problem> {
        let one_of = format!("one of {} is wanted", allowed.join(", "));
        let Some(value) = self.fields.get(name) else {
            return default.ok_or_else(|| self.wrong(name, "missing", one_of));
        };
        let found = value.as_str().and_then(|text| allowed.iter().find(|allowed| **allowed == text));
        found.copied().ok_or_else(|| self.wrong(name, "unknown_value", one_of))
    }

    /// A whole number within bounds.
    fn number<N: TryFrom<u64> + Into<u64>>(&self, name: &str, least: u64, most: N) -> Result<N, Problem> {
        let most: u64 = most.into();
        let value = self.fields.get(name);
        let number = value.and_then(Value::as_u64).filter(|number| (least..=most).contains(number));
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| {
            let code = if value.is_none() { "missing" } else { "out_of_range" };
            self.wrong(name, code, format!("a whole number from {least} to {most} is wanted"))
        })
    }

    fn wrong(&self, name: &str, code: &str, message: impl Into<String>) -> Problem {
        Problem::invalid(format!("{}{name}", self.path), code, message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_read_and_shown_alike() {
        let wishes = json!([
            {"kind": "dropSockets", "when": "beforeAck", "times": 3},
            {"kind": "delayAcks", "delayMs": 5, "times": 1},
            {"kind": "withholdAcks", "times": 1},
            {"kind": "nack", "code": 479, "number": "6281234567890", "times": 1},
            {"kind": "rateLimit", "scope": "stream", "times": 1},
            {"kind": "replaceStream", "times": 1},
            {"kind": "rejectLogin", "reason": 503, "times": 1},
            {"kind": "delayAnswers", "delayMs": 7, "times": 1},
            {"kind": "withholdDeviceNotifications", "times": 9},
        ]);
        let faults = read(&json!({"faults": wishes})).unwrap();
        assert_eq!(serde_json::to_value(faults).unwrap(), wishes);
    }
}
