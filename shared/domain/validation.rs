//! What is wrong with an input, field by field.

use std::fmt::Display;

/// One field that is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its path in the input, like `pacing.maxDelayMs`.
    pub field: String,
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl FieldError {
    /// A field with what is wrong with it.
    pub fn new(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.into(), message: message.into() }
    }
}

/// Collects the fields that are not valid, so that all are named at once.
#[derive(Debug, Default)]
pub struct Invalid(Vec<FieldError>);

impl Invalid {
    /// Names a field, unless `valid`.
    pub fn unless(&mut self, valid: bool, field: &str, code: &str, message: &str) {
        if !valid {
            self.0.push(FieldError::new(field, code, message));
        }
    }

    /// Takes a value, or names its field.
    pub fn take<T, E: Display>(&mut self, value: Result<T, E>, field: &str, code: &str) -> Option<T> {
        value.map_err(|error| self.unless(false, field, code, &error.to_string())).ok()
    }

    /// A text between `min` and `max` characters, trimmed.
    pub fn text(&mut self, value: &str, field: &str, min: usize, max: usize) -> String {
        let value = value.trim();
        let chars = value.chars().count();
        self.unless(chars >= min, field, "too_short", &format!("at least {min} characters are needed"));
        self.unless(chars <= max, field, "too_long", &format!("at most {max} characters are allowed"));
        value.to_owned()
    }

    /// Whether nothing was named.
    ///
    /// # Errors
    /// What was named.
    pub fn check(self) -> Result<(), Vec<FieldError>> {
        self.finish(Some(()))
    }

    /// What the input is as a whole, when nothing was named. What is missing of it was named by [`Self::take`].
    ///
    /// # Errors
    /// What was named.
    pub fn finish<T>(self, checked: Option<T>) -> Result<T, Vec<FieldError>> {
        match checked {
            Some(checked) if self.0.is_empty() => Ok(checked),
            _ => Err(self.0),
        }
    }
}
