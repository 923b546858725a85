//! Counters of what a tenant uses: one row a month, one attribute for each meter and span. A charge is one
//! conditional write, so that counting is exact however many count at once.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Db, StoreError, Table, page::delete_all};
use crate::{
    clock::Timestamp,
    domain::{
        ids::TenantId,
        plan::{Meter, Rate, Span},
    },
};

/// How long a month's row outlives its month.
const AFTERLIFE: Duration = Duration::from_secs(40 * 24 * 3600);

/// How many spans that are over are cleared away with each charge.
const CLEARED: i64 = 6;

/// One limit, and how much of it is used in the present span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitUse {
    /// What is counted.
    pub meter: Meter,
    /// The limit.
    pub rate: Rate,
    /// How much of it is used.
    pub used: u32,
    /// Whether it is written down that it was reached in this span.
    pub is_noted: bool,
    /// Whether its owner was told so in this span, by an event.
    pub is_told: bool,
}

/// What is done once in a span when a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// It is written into the audit log.
    Noted,
    /// Its owner is told, by an event.
    Told,
}

impl LimitUse {
    /// What it is called, like `messagesPerHour`.
    pub fn name(&self) -> String {
        format!("{}Per{}", self.meter.name(), self.rate.per.name())
    }
}

/// What came of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// Everything is counted; how it stands now.
    Done(Vec<LimitUse>),
    /// A limit is reached and nothing is counted; how it stands.
    Refused(Vec<LimitUse>),
}

/// Counts so many of each, unless there is not room for all of them.
pub async fn charge(
    db: &Db,
    tenant: TenantId,
    limits: &[(Meter, Rate)],
    count: u32,
    now: Timestamp,
) -> Result<Charged, StoreError> {
    let mut request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(tenant, now)))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .expression_attribute_values(":count", AttributeValue::N(count.to_string()))
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":ttl", ttl(now));
    let (mut adds, mut removes, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
    for (n, (meter, rate)) in limits.iter().enumerate() {
        let index = rate.per.index(now);
        let room = i64::from(rate.limit) - i64::from(count);
        request = request
            .expression_attribute_names(format!("#c{n}"), attribute(*meter, rate.per, index))
            .expression_attribute_values(format!(":l{n}"), AttributeValue::N(room.to_string()));
        adds.push(format!("#c{n} :count"));
        // For more than the limit there is no room, even if nothing is counted yet.
        conditions.push(match room {
            0.. => format!("(attribute_not_exists(#c{n}) OR #c{n} <= :l{n})"),
            _ => format!("#c{n} <= :l{n}"),
        });
        for back in 1..=CLEARED {
            request = request.expression_attribute_names(
                format!("#o{n}_{back}"),
                attribute(*meter, rate.per, index - back),
            );
            removes.push(format!("#o{n}_{back}"));
        }
    }
    let result = request
        .update_expression(format!("ADD {} SET #ttl = :ttl REMOVE {}", adds.join(", "), removes.join(", ")))
        .condition_expression(conditions.join(" AND "))
        .send()
        .await;
    match result {
        Ok(answer) => Ok(Charged::Done(standings(limits, answer.attributes.as_ref(), now))),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(e)) => {
                Ok(Charged::Refused(standings(limits, e.item(), now)))
            }
            _ => Err(error.into()),
        },
    }
}

/// Takes back one of each that was counted at `at`.
pub async fn give_back(
    db: &Db,
    tenant: TenantId,
    limits: &[(Meter, Rate)],
    at: Timestamp,
) -> Result<(), StoreError> {
    for (meter, rate) in limits {
        let request = db
            .client()
            .update_item()
            .table_name(db.table(Table::Counters))
            .set_key(Some(key(tenant, at)))
            .update_expression("ADD #count :less")
            // A span that is over may have been cleared away.
            .condition_expression("#count > :zero")
            .expression_attribute_names("#count", attribute(*meter, rate.per, rate.per.index(at)))
            .expression_attribute_values(":less", AttributeValue::N("-1".into()))
            .expression_attribute_values(":zero", AttributeValue::N("0".into()));
        unless_refused(request.send().await)?;
    }
    Ok(())
}

/// Notes that a limit was reached in this span, for one of the things that are done once then. Says whether this was
/// the first time.
pub async fn note_reached(
    db: &Db,
    tenant: TenantId,
    (meter, rate): (Meter, Rate),
    once: Once,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(tenant, now)))
        .update_expression("SET #noted = :span, #ttl = :ttl")
        .condition_expression("attribute_not_exists(#noted) OR #noted < :span")
        .expression_attribute_names("#noted", done(once, meter, rate.per))
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":span", AttributeValue::N(rate.per.index(now).to_string()))
        .expression_attribute_values(":ttl", ttl(now));
    unless_refused(request.send().await)
}

/// Whether a condition held.
fn unless_refused<T>(
    result: Result<T, aws_sdk_dynamodb::error::SdkError<UpdateItemError>>,
) -> Result<bool, StoreError> {
    match result {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// How a tenant's limits stand.
pub async fn read(
    db: &Db,
    tenant: TenantId,
    limits: &[(Meter, Rate)],
    now: Timestamp,
) -> Result<Vec<LimitUse>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Counters))
        .set_key(Some(key(tenant, now)))
        .consistent_read(true)
        .send()
        .await?;
    Ok(standings(limits, answer.item.as_ref(), now))
}

/// Forgets what a tenant used.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Counters))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(tenant.to_string()))
        .projection_expression("pk, sk");
    delete_all(db, Table::Counters, query).await
}

fn standings(
    limits: &[(Meter, Rate)],
    row: Option<&HashMap<String, AttributeValue>>,
    now: Timestamp,
) -> Vec<LimitUse> {
    let number = |name: String| row?.get(&name)?.as_n().ok()?.parse::<i64>().ok();
    let standing = |&(meter, rate): &(Meter, Rate)| {
        let span = rate.per.index(now);
        let used = number(attribute(meter, rate.per, span)).and_then(|used| u32::try_from(used).ok());
        let is_done = |once| number(done(once, meter, rate.per)) == Some(span);
        let (is_noted, is_told) = (is_done(Once::Noted), is_done(Once::Told));
        LimitUse { meter, rate, used: used.unwrap_or_default(), is_noted, is_told }
    };
    limits.iter().map(standing).collect()
}

fn ttl(now: Timestamp) -> AttributeValue {
    AttributeValue::N((Span::Month.end(now) + AFTERLIFE).unix_seconds().to_string())
}

/// Where the span stands in which it was done last.
fn done(once: Once, meter: Meter, span: Span) -> String {
    let what = match once {
        Once::Noted => "reached",
        Once::Told => "told",
    };
    format!("{what}:{}Per{}", meter.name(), span.name())
}

fn attribute(meter: Meter, span: Span, index: i64) -> String {
    format!("{}Per{}:{index}", meter.name(), span.name())
}

fn key(tenant: TenantId, now: Timestamp) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".into(), AttributeValue::S(tenant.to_string())),
        ("sk".into(), AttributeValue::S(format!("month#{}", Span::Month.index(now)))),
    ])
}
