//! The audit log, by tenant; the index `by-month` has everybody's for the administrators.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table,
    page::{delete_all, query_page},
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        audit::{AuditEntry, Outcome},
        ids::{AccountId, TenantId},
        plan::Span,
    },
};

/// Partition of what nobody known did.
const NOBODY: &str = "nobody";

/// How many months back the administrators' list goes at most; no plan keeps entries longer.
const MONTHS: i64 = 13;

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    month: String,
    ttl: i64,
    #[serde(flatten)]
    entry: AuditEntry,
}

/// Which entries are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// What was done.
    pub action: Option<String>,
    /// Who did it.
    pub actor: Option<AccountId>,
    /// To what.
    pub target: Option<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
}

/// Adds an entry, to be dropped at `until`.
pub async fn append(db: &Db, entry: &AuditEntry, until: Timestamp) -> Result<(), StoreError> {
    let pk = entry.actor_id.map_or_else(|| NOBODY.to_owned(), |id| id.to_string());
    let row = Row {
        pk,
        month: month(Span::Month.index(entry.at)),
        ttl: until.unix_seconds(),
        entry: entry.clone(),
    };
    db.client()
        .put_item()
        .table_name(db.table(Table::Audit))
        .set_item(Some(db.to_item(Table::Audit, row)?))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await?;
    Ok(())
}

/// What a tenant did, newest first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &Filter,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<AuditEntry>, StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Audit))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(tenant.to_string()));
    let page: Page<Row> = query_page(db, filtered(query, filter)?, &["pk", "id"], limit, from).await?;
    Ok(page.map(|row| row.entry))
}

/// What everybody did, newest first.
pub async fn list_all(
    db: &Db,
    filter: &Filter,
    limit: u16,
    from: Option<LastKey>,
    now: Timestamp,
) -> Result<Page<AuditEntry>, StoreError> {
    let present = Span::Month.index(now);
    let mut index = from
        .as_ref()
        .and_then(|key| key.get("month")?.strip_prefix("month#")?.parse().ok())
        .unwrap_or(present);
    // A cursor without an id is the beginning of a month.
    let mut from = from.filter(|key| key.contains_key("id"));
    let mut items = Vec::new();
    loop {
        let query = db
            .client()
            .query()
            .table_name(db.table(Table::Audit))
            .index_name("by-month")
            .key_condition_expression("#month = :month")
            .expression_attribute_names("#month", "month")
            .expression_attribute_values(":month", AttributeValue::S(month(index)));
        let wanted = limit - u16::try_from(items.len()).unwrap_or(limit);
        let page: Page<Row> =
            query_page(db, filtered(query, filter)?, &["pk", "id", "month"], wanted, from).await?;
        items.extend(page.items.into_iter().map(|row| row.entry));
        if page.next.is_some() {
            return Ok(Page { items, next: page.next });
        }
        from = None;
        index -= 1;
        if present - index >= MONTHS {
            return Ok(Page { items, next: None });
        }
        if items.len() >= usize::from(limit) {
            return Ok(Page { items, next: Some(LastKey::from([("month".into(), month(index))])) });
        }
    }
}

/// Forgets what a tenant did.
pub async fn delete_of_tenant(db: &Db, tenant: TenantId) -> Result<(), StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Audit))
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(tenant.to_string()))
        .projection_expression("pk, id");
    delete_all(db, Table::Audit, query).await
}

fn filtered(query: QueryFluentBuilder, filter: &Filter) -> Result<QueryFluentBuilder, StoreError> {
    let mut query = query.scan_index_forward(false);
    let mut conditions = Vec::new();
    let mut equals = |mut query: QueryFluentBuilder, name: &str, value: Option<AttributeValue>| {
        if let Some(value) = value {
            conditions.push(format!("#{name} = :{name}"));
            query = query
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        query
    };
    query = equals(query, "action", filter.action.clone().map(AttributeValue::S));
    query = equals(query, "actorId", filter.actor.map(|id| AttributeValue::S(id.to_string())));
    query = equals(query, "target", filter.target.clone().map(AttributeValue::S));
    query = equals(query, "outcome", filter.outcome.map(serde_dynamo::to_attribute_value).transpose()?);
    if let Some(since) = filter.since {
        conditions.push("#at >= :at".into());
        query = query
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", AttributeValue::S(since.to_string()));
    }
    if conditions.is_empty() { Ok(query) } else { Ok(query.filter_expression(conditions.join(" AND "))) }
}

fn month(index: i64) -> String {
    format!("month#{index}")
}
