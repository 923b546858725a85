//! Update expressions, built piece by piece.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use serde::Serialize;

use super::StoreError;

/// What an UpdateItem sets and removes. Names go through placeholders, so reserved words do no harm.
#[derive(Debug, Default)]
pub(super) struct Update {
    sets: Vec<(&'static str, AttributeValue)>,
    removes: Vec<&'static str>,
}

impl Update {
    /// Sets an attribute.
    pub fn set(mut self, name: &'static str, value: impl Serialize) -> Result<Self, StoreError> {
        self.sets.push((name, serde_dynamo::to_attribute_value(value)?));
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
        for (n, (name, value)) in self.sets.into_iter().enumerate() {
            expression.push_str(if n == 0 { "SET " } else { ", " });
            expression.push_str(&format!("#s{n} = :s{n}"));
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
