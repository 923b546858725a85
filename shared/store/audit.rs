//! The audit log, by tenant; the index `by-month` has everybody's for the administrators. A month, and what nobody
//! known did, is spread over several partitions, so that no one of them takes everybody's writes.

use std::cmp::Reverse;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table,
    page::{MOST_BYTES, delete_all, query_page, query_page_within},
};
use crate::{
    clock::Timestamp,
    crypto::digest_of,
    cursor::LastKey,
    domain::{
        audit::{AuditEntry, Outcome},
        ids::{AuditId, TenantId},
        plan::Span,
    },
};

/// Partitions of what nobody known did begin with this.
const NOBODY: &str = "nobody";

/// Over how many partitions a month is spread.
const BUCKETS: u32 = 8;

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
    pub actor: Option<String>,
    /// To what.
    pub target: Option<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
}

/// Adds an entry, to be dropped at `until`.
pub async fn append(db: &Db, entry: &AuditEntry, until: Timestamp) -> Result<(), StoreError> {
    let bucket = bucket(entry.id);
    let pk = entry.tenant_id.map_or_else(|| format!("{NOBODY}#{bucket}"), |id| id.to_string());
    let row = Row {
        pk,
        month: month(Span::Month.index(entry.at), bucket),
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
    let mut index = from.as_ref().and_then(|key| key.get("month")?.parse().ok()).unwrap_or(present);
    let mut before = from.and_then(|mut key| key.remove("before"));
    let mut items = Vec::new();
    loop {
        let wanted = limit - u16::try_from(items.len()).unwrap_or(limit);
        let buckets = (0..BUCKETS)
            .map(|bucket| list_bucket(db, month(index, bucket), filter, wanted, before.as_deref()));
        let (found, end) = merge(try_join_all(buckets).await?, usize::from(wanted));
        items.extend(found);
        let next = |month: i64, before: Option<String>| {
            let before = before.map(|id| ("before".to_owned(), id));
            Some([("month".to_owned(), month.to_string())].into_iter().chain(before).collect())
        };
        if end.is_some() {
            return Ok(Page { items, next: next(index, end) });
        }
        before = None;
        index -= 1;
        if present - index >= MONTHS {
            return Ok(Page { items, next: None });
        }
        if items.len() >= usize::from(limit) {
            return Ok(Page { items, next: next(index, None) });
        }
    }
}

/// What one partition of a month has, newest first, before an id.
async fn list_bucket(
    db: &Db,
    month: String,
    filter: &Filter,
    limit: u16,
    before: Option<&str>,
) -> Result<Page<AuditEntry>, StoreError> {
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Audit))
        .index_name("by-month")
        .key_condition_expression("#month = :month AND id < :before")
        .expression_attribute_names("#month", "month")
        .expression_attribute_values(":month", AttributeValue::S(month))
        // `~` comes behind every id.
        .expression_attribute_values(":before", AttributeValue::S(before.unwrap_or("~").to_owned()));
    let most = MOST_BYTES / BUCKETS as usize;
    let page: Page<Row> = query_page_within(db, most, filtered(query, filter)?, &["id"], limit, None).await?;
    Ok(page.map(|row| row.entry))
}

/// What several partitions have, newest first, at most `limit`; and the id before which there may be more. A
/// partition that was not read to its end says nothing of what comes before where its reading ended, so nothing
/// from there on is taken from the others.
fn merge(pages: Vec<Page<AuditEntry>>, limit: usize) -> (Vec<AuditEntry>, Option<String>) {
    let ends = pages.iter().filter_map(|page| page.next.as_ref()?.get("id").cloned());
    let horizon = ends.max();
    let mut items: Vec<_> = pages.into_iter().flat_map(|page| page.items).collect();
    items.sort_unstable_by_key(|entry| Reverse(entry.id));
    if let Some(horizon) = &horizon {
        items.retain(|entry| entry.id.to_string() >= *horizon);
    }
    let is_cut = items.len() > limit;
    items.truncate(limit);
    let end = if is_cut { items.last().map(|entry| entry.id.to_string()) } else { horizon };
    (items, end)
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
    query = equals(query, "actorId", filter.actor.clone().map(AttributeValue::S));
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

fn month(index: i64, bucket: u32) -> String {
    format!("month#{index}#{bucket}")
}

fn bucket(id: AuditId) -> u32 {
    u32::from(digest_of(&[id.to_string().as_bytes()])[0]) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8) -> AuditEntry {
        let mut digest = [0; 32];
        digest[0] = number;
        AuditEntry {
            id: AuditId::derived(digest),
            at: Timestamp::from_unix_millis(0),
            tenant_id: None,
            actor_kind: None,
            actor_id: None,
            api_key_id: None,
            action: String::new(),
            target: None,
            ip: None,
            outcome: Outcome::Success,
            code: None,
            request_id: String::new(),
        }
    }

    fn page(numbers: &[u8], end: Option<u8>) -> Page<AuditEntry> {
        let next = end.map(|end| LastKey::from([("id".to_owned(), entry(end).id.to_string())]));
        Page { items: numbers.iter().copied().map(entry).collect(), next }
    }

    fn merged(pages: Vec<Page<AuditEntry>>, limit: usize) -> (Vec<AuditId>, Option<String>) {
        let (items, end) = merge(pages, limit);
        (items.into_iter().map(|entry| entry.id).collect(), end)
    }

    #[test]
    fn partitions_are_merged_in_order_and_not_beyond_where_one_of_them_was_left() {
        let ids = |numbers: &[u8]| numbers.iter().map(|n| entry(*n).id).collect::<Vec<_>>();
        let text = |number| Some(entry(number).id.to_string());
        let whole = || vec![page(&[9, 4], None), page(&[], None), page(&[8, 5, 1], None)];
        assert_eq!(merged(whole(), 9), (ids(&[9, 8, 5, 4, 1]), None));
        assert_eq!(merged(whole(), 2), (ids(&[9, 8]), text(8)));
        // The first was left at 6 and found nothing there; 5 may be behind something of it.
        let left = vec![page(&[9], Some(6)), page(&[8, 5], None)];
        assert_eq!(merged(left, 9), (ids(&[9, 8]), text(6)));
        let empty = vec![page(&[], Some(3)), page(&[], Some(7))];
        assert_eq!(merged(empty, 9), (Vec::new(), text(7)));
    }
}
