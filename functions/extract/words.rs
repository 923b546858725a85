//! What is wrong with a value, in the words of the API. `serde` and the parsers of the standard library speak of Rust's
//! types, which nobody who sends JSON has heard of.

/// Says what a value must be, from a message of `serde` or of a parser. What Kurir's own types say stays as it is.
pub(super) fn in_words(message: &str) -> String {
    if let Some((found, wanted)) = between(message, "invalid type: ", ", expected ") {
        return format!("must be {}, not {}", wanted_form(wanted), found_form(found));
    }
    if let Some((found, wanted)) = between(message, "invalid value: ", ", expected ") {
        return format!("must be {}, not {}", wanted_form(wanted), value_in(found));
    }
    if let Some((_, wanted)) = between(message, "invalid length ", ", expected ") {
        return format!("must be {}", wanted_form(wanted));
    }
    if let Some((_, known)) = between(message, "unknown variant ", ", expected ") {
        return format!("must be {}", one_of(known));
    }
    if let Some(known) = between(message, "unknown field ", ", expected ").map(|(_, known)| known) {
        return format!("is not known here; known are {}", quoted(known).join(", "));
    }
    match message {
        _ if message.starts_with("unknown field ") => "is not known here".into(),
        _ if message.starts_with("duplicate field ") => "is given more than once".into(),
        _ if message.contains("untagged enum") => "has none of the forms that are allowed here".into(),
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "must be a whole number".into()
        }
        "number too large to fit in target type" => "is too large a number".into(),
        "number too small to fit in target type" => "is too small a number".into(),
        "provided string was not `true` or `false`" => "must be `true` or `false`".into(),
        other => other.into(),
    }
}

fn between<'m>(message: &'m str, start: &str, middle: &str) -> Option<(&'m str, &'m str)> {
    message.strip_prefix(start)?.rsplit_once(middle)
}

/// A form that is wanted: `serde` names types, or what a type's own visitor calls itself.
fn wanted_form(wanted: &str) -> String {
    match wanted {
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" => "a whole number from 0 to 4294967295".into(),
        "u64" | "u128" | "usize" => "a whole number of 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a nonzero u8" => "a whole number from 1 to 255".into(),
        "a nonzero u16" => "a whole number from 1 to 65535".into(),
        "a nonzero u32" | "a nonzero u64" => "a whole number of 1 or more".into(),
        "a boolean" | "bool" => "`true` or `false`".into(),
        "a string" | "string" | "str" | "a borrowed string" | "a character" => "a string".into(),
        "unit" => "`null`".into(),
        "a map" | "map" => "an object".into(),
        "a sequence" | "sequence" => "a list".into(),
        "string or map" | "a string or map" => "a string or an object".into(),
        _ if wanted.starts_with("one of ") || wanted.starts_with('`') => one_of(wanted),
        _ if ["struct ", "internally tagged", "adjacently tagged"]
            .iter()
            .any(|it| wanted.starts_with(it)) =>
        {
            "an object".into()
        }
        _ if wanted.starts_with("tuple ") || wanted.starts_with("a tuple ") => "a list".into(),
        _ if wanted.contains("enum ") || wanted.contains("variant") => "one of its values".into(),
        _ if wanted.starts_with("option") => "a value or `null`".into(),
        other => other.into(),
    }
}

/// What kind of value was found: of text, nothing is said again.
fn found_form(found: &str) -> &str {
    let kind = found.split(" `").next().unwrap_or(found);
    match kind {
        "null" | "unit value" | "Option value" => "`null`",
        "boolean" => "`true` or `false`",
        "integer" | "floating point" | "number" => "a number",
        "map" | "struct variant" | "newtype struct" => "an object",
        "sequence" | "tuple variant" => "a list",
        _ if kind.starts_with("string ") => "a string",
        _ => "that",
    }
}

/// The value that was found, when it is short and no text of the sender's.
fn value_in(found: &str) -> &str {
    match found.split_once('`') {
        Some(("integer " | "floating point " | "boolean ", value)) => value.trim_end_matches('`'),
        _ => found_form(found),
    }
}

fn one_of(known: &str) -> String {
    let known = quoted(known);
    match known.as_slice() {
        [one] => format!("`{one}`"),
        _ => {
            format!("one of {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The names between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, de::DeserializeOwned};
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        count: u16,
        flag: Option<bool>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Color {
        DarkRed,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "camelCase")]
    #[allow(dead_code)]
    enum Tagged {
        Text { body: String },
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Either {
        Number(u8),
        Text(String),
    }

    fn told<T: DeserializeOwned>(value: Value) -> String {
        match serde_json::from_value::<T>(value) {
            Ok(_) => panic!("it is taken"),
            Err(error) => in_words(&error.to_string()),
        }
    }

    #[test]
    fn forms_are_those_of_json() {
        let cases = [
            (told::<Inner>(json!("x")), "must be an object, not a string"),
            (told::<Inner>(json!(null)), "must be an object, not `null`"),
            (told::<Inner>(json!({"count": "5"})), "must be a whole number from 0 to 65535, not a string"),
            (told::<Inner>(json!({"count": -1})), "must be a whole number from 0 to 65535, not -1"),
            (told::<Inner>(json!({"count": 70000})), "must be a whole number from 0 to 65535, not 70000"),
            (told::<Inner>(json!({"count": 1.5})), "must be a whole number from 0 to 65535, not a number"),
            (told::<Inner>(json!({"count": 1, "flag": "yes"})), "must be `true` or `false`, not a string"),
            (told::<Inner>(json!({"cuont": 1})), "is not known here; known are count, flag"),
            (told::<Vec<u8>>(json!({})), "must be a list, not an object"),
            (told::<String>(json!(["a"])), "must be a string, not a list"),
            (told::<Color>(json!("green")), "must be one of `darkRed`, `blue`"),
            (told::<Tagged>(json!({"type": "text", "body": 1})), "must be a string, not a number"),
            (told::<Tagged>(json!({"type": "x"})), "must be `text`"),
            (told::<Either>(json!([])), "has none of the forms that are allowed here"),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn no_name_of_a_type_is_left() {
        let all = [
            told::<Inner>(json!(5)),
            told::<Color>(json!(5)),
            told::<Color>(json!({})),
            told::<Tagged>(json!("x")),
            told::<Tagged>(json!([])),
            told::<Either>(json!(null)),
            told::<Option<u32>>(json!("x")),
            told::<(u8, u8)>(json!({})),
            told::<std::collections::BTreeMap<String, u8>>(json!([])),
        ];
        for message in all {
            for word in [
                "struct", "enum", "variant", "Inner", "Color", "Tagged", "Either", "u32", "expected", "tuple",
            ] {
                assert!(!message.contains(word), "{message}");
            }
        }
    }

    #[test]
    fn numbers_in_addresses_are_spoken_of_alike() {
        let told = |text: &str| in_words(&text.parse::<u16>().unwrap_err().to_string());
        assert_eq!(told("many"), "must be a whole number");
        assert_eq!(told(""), "must be a whole number");
        assert_eq!(told("70000"), "is too large a number");
    }

    #[test]
    fn the_apis_own_words_stay() {
        assert_eq!(in_words("a number has 7 to 15 digits"), "a number has 7 to 15 digits");
    }
}
