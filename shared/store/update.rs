//! Update expressions, built piece by piece.

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use serde::Serialize;

use super::StoreError;

/// What an UpdateItem sets and removes. Names go through placeholders, so reserved words do no harm.
#[derive(Debug, Default)]
pub(super) struct Update {
    sets: Vec<(&'static str, SetMode, AttributeValue)>,
    removes: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum SetMode {
    Always,
    IfMissing,
    Add,
}

impl Update {
    /// Sets an attribute.
    pub fn set(self, name: &'static str, value: impl Serialize) -> Result<Self, StoreError> {
        self.push(name, SetMode::Always, value)
    }

    /// Sets an attribute that is not there yet.
    pub fn set_if_missing(self, name: &'static str, value: impl Serialize) -> Result<Self, StoreError> {
        self.push(name, SetMode::IfMissing, value)
    }

    /// Adds to a number that is there.
    pub fn add(self, name: &'static str, number: u32) -> Result<Self, StoreError> {
        self.push(name, SetMode::Add, number)
    }

    /// Sets an attribute to what is ready to be stored.
    pub fn set_value(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.sets.push((name, SetMode::Always, value));
        self
    }

    fn push(mut self, name: &'static str, mode: SetMode, value: impl Serialize) -> Result<Self, StoreError> {
        self.sets.push((name, mode, serde_dynamo::to_attribute_value(value)?));
        Ok(self)
    }

    /// Sets an attribute when there is a value for it.
    pub fn set_some(self, name: &'static str, value: Option<impl Serialize>) -> Result<Self, StoreError> {
        match value {
            Some(value) => self.set(name, value),
            None => Ok(self),
        }
    }

    /// Removes an attribute.
    pub fn remove(mut self, name: &'static str) -> Self {
        self.removes.push(name);
        self
    }

    /// Writes the expression into a request.
    pub fn apply(self, mut request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let mut expression = String::new();
        for (n, (name, mode, value)) in self.sets.into_iter().enumerate() {
            expression.push_str(if n == 0 { "SET " } else { ", " });
            expression.push_str(&match mode {
                SetMode::Always => format!("#s{n} = :s{n}"),
                SetMode::IfMissing => format!("#s{n} = if_not_exists(#s{n}, :s{n})"),
                SetMode::Add => format!("#s{n} = #s{n} + :s{n}"),
            });
            request = request
                .expression_attribute_names(format!("#s{n}"), name)
                .expression_attribute_values(format!(":s{n}"), value);
        }
        for (n, name) in self.removes.into_iter().enumerate() {
            expression.push_str(if n == 0 { " REMOVE " } else { ", " });
            expression.push_str(&format!("#r{n}"));
            request = request.expression_attribute_names(format!("#r{n}"), name);
        }
        request.update_expression(expression.trim())
    }
}
