//! Tenants. A row counts its active owners and administrators, in the transactions that change them: so one owner
//! stays.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update as UpdateWrite};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{query_all, query_page},
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        ids::TenantId,
        tenant::{Erasure, Tenant},
    },
};

/// Partition of the `by-created` index that holds every tenant.
const KIND: &str = "tenant";

/// Partition of the `erasing` index.
const ERASING: &str = "erasing";

/// A tenant as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantRow {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// Grows when the tenant is deactivated, which ends all tokens from before.
    pub generation: u32,
    /// How many active members may do everything in it.
    pub owners: u32,
    /// How many of them are the platform's administrators.
    pub admins: u32,
    /// Set when it is being erased.
    #[serde(default)]
    pub erasure: Option<Erasure>,
}

impl TenantRow {
    /// A new tenant without members.
    pub fn new(tenant: Tenant) -> Self {
        Self { tenant, generation: 0, owners: 0, admins: 0, erasure: None }
    }

    /// Whether no plan limits it: an administrator's.
    pub fn is_exempt(&self) -> bool {
        self.admins > 0
    }
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// The tenant has an administrator, who must not be locked out.
    HasAdmin,
    /// It changed meanwhile, or is gone: look again.
    Stale,
}

/// The write that makes a tenant.
pub(super) fn put(db: &Db, row: &TenantRow) -> Result<TransactWriteItem, StoreError> {
    #[derive(Serialize)]
    struct Keyed<'a> {
        kind: &'static str,
        position: String,
        #[serde(flatten)]
        row: &'a TenantRow,
    }
    let position = keys::position(row.tenant.created_at, &row.tenant.id.to_string());
    let put = Put::builder()
        .table_name(db.table(Table::Tenants))
        .condition_expression("attribute_not_exists(id)")
        .set_item(Some(db.to_item(Table::Tenants, Keyed { kind: KIND, position, row })?))
        .build()
        .expect("table and item are given");
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The write that counts owners and administrators more or less, unless the tenant is being erased, or would have no
/// owner any more.
pub(super) fn count(db: &Db, tenant: TenantId, owners: i8, admins: i8) -> TransactWriteItem {
    let number = |n: i8| AttributeValue::N(n.to_string());
    let update = UpdateWrite::builder()
        .table_name(db.table(Table::Tenants))
        .key("id", AttributeValue::S(tenant.to_string()))
        .update_expression("ADD owners :owners, admins :admins")
        .expression_attribute_values(":owners", number(owners))
        .expression_attribute_values(":admins", number(admins));
    let there = "attribute_exists(#kind) AND attribute_not_exists(erasure)";
    let update = match owners < 0 {
        true => update
            .condition_expression(format!("{there} AND owners > :one"))
            .expression_attribute_values(":one", number(1)),
        false => update.condition_expression(there),
    };
    let update = update.expression_attribute_names("#kind", "kind").build();
    TransactWriteItem::builder().update(update.expect("table, key and expression are given")).build()
}

/// One tenant, also one that is being erased; not one that is.
pub async fn get(db: &Db, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Found {
        Tenant(Box<TenantRow>),
        Tombstone {
            #[serde(rename = "erasure")]
            _erasure: Erasure,
        },
    }
    Ok(match read(db, id).await? {
        Some(Found::Tenant(row)) => Some(*row),
        Some(Found::Tombstone { .. }) | None => None,
    })
}

async fn read<T: serde::de::DeserializeOwned>(db: &Db, id: TenantId) -> Result<Option<T>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Tenants))
        .key("id", AttributeValue::S(id.to_string()))
        .consistent_read(true)
        .send()
        .await?;
    answer.item.map(|item| db.read_item(Table::Tenants, item)).transpose()
}

/// Which tenants are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Their plan.
    pub plan: Option<String>,
    /// Whether the credentials of their members work.
    pub active: Option<bool>,
}

/// Tenants, oldest first, without those that are being erased.
pub async fn list(
    db: &Db,
    filter: &Filter,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Tenant>, StoreError> {
    let mut query = db
        .client()
        .query()
        .table_name(db.table(Table::Tenants))
        .index_name("by-created")
        .key_condition_expression("#kind = :kind")
        .expression_attribute_names("#kind", "kind")
        .expression_attribute_values(":kind", AttributeValue::S(KIND.into()));
    let mut conditions = vec!["attribute_not_exists(erasure)"];
    if let Some(plan) = &filter.plan {
        conditions.push("#plan = :plan");
        query = query
            .expression_attribute_names("#plan", "plan")
            .expression_attribute_values(":plan", AttributeValue::S(plan.clone()));
    }
    if let Some(active) = filter.active {
        conditions.push("active = :active");
        query = query.expression_attribute_values(":active", AttributeValue::Bool(active));
    }
    let query = query.filter_expression(conditions.join(" AND "));
    let page: Page<TenantRow> = query_page(db, query, &["id", "kind", "position"], limit, from).await?;
    Ok(page.map(|row| row.tenant))
}

/// Puts `after` in place of `before`: name, plan, settings, activity, and the beginning of an erasure. What takes the
/// activity away ends all tokens of its members.
pub async fn replace(db: &Db, before: &TenantRow, after: &TenantRow) -> Result<Changed, StoreError> {
    let tenant = &after.tenant;
    let ends = !tenant.active || after.erasure.is_some();
    let value = |text: &str| AttributeValue::S(text.to_owned());
    let mut condition =
        "#name = :oldName AND #plan = :oldPlan AND active = :oldActive AND settings = :oldSettings \
                         AND attribute_not_exists(erasure)"
            .to_owned();
    let mut expression =
        "SET #name = :name, #plan = :plan, active = :active, settings = :settings, generation = generation + :step"
            .to_owned();
    let mut request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Tenants))
        .key("id", AttributeValue::S(tenant.id.to_string()))
        .expression_attribute_names("#name", "name")
        .expression_attribute_names("#plan", "plan")
        .expression_attribute_values(":oldName", value(&before.tenant.name))
        .expression_attribute_values(":oldPlan", value(&before.tenant.plan))
        .expression_attribute_values(":oldActive", AttributeValue::Bool(before.tenant.active))
        .expression_attribute_values(
            ":oldSettings",
            serde_dynamo::to_attribute_value(&before.tenant.settings)?,
        )
        .expression_attribute_values(":name", value(&tenant.name))
        .expression_attribute_values(":plan", value(&tenant.plan))
        .expression_attribute_values(":active", AttributeValue::Bool(tenant.active))
        .expression_attribute_values(":settings", serde_dynamo::to_attribute_value(&tenant.settings)?)
        .expression_attribute_values(":step", AttributeValue::N(u8::from(ends).to_string()));
    if ends {
        condition.push_str(" AND admins = :none");
        request = request.expression_attribute_values(":none", AttributeValue::N("0".into()));
    }
    if let Some(erasure) = &after.erasure {
        expression.push_str(", erasure = :erasure, erasing = :erasing");
        request = request
            .expression_attribute_values(":erasure", serde_dynamo::to_attribute_value(erasure)?)
            .expression_attribute_values(":erasing", value(ERASING));
    }
    match request.update_expression(expression).condition_expression(condition).send().await {
        Ok(_) => Ok(Changed::Done),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            let has_admin = ends && get(db, tenant.id).await?.is_some_and(|row| row.admins > 0);
            Ok(if has_admin { Changed::HasAdmin } else { Changed::Stale })
        }
        Err(error) => Err(error.into()),
    }
}

/// The tenants whose erasure is not done.
pub async fn list_erasing(db: &Db) -> Result<Vec<TenantId>, StoreError> {
    #[derive(Deserialize)]
    struct Key {
        id: TenantId,
    }
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Tenants))
        .index_name("erasing")
        .key_condition_expression("erasing = :erasing")
        .expression_attribute_values(":erasing", AttributeValue::S(ERASING.into()));
    let found: Vec<Key> = query_all(db, query).await?;
    Ok(found.into_iter().map(|key| key.id).collect())
}

/// Ends an erasure, once, however many try: of the tenant only its id and the erasure stay, until `until`.
pub async fn finish_erasure(
    db: &Db,
    id: TenantId,
    erasure: &Erasure,
    until: Timestamp,
) -> Result<(), StoreError> {
    let tombstone = HashMap::from([
        ("id".to_owned(), AttributeValue::S(id.to_string())),
        ("erasure".to_owned(), serde_dynamo::to_attribute_value(erasure)?),
        ("ttl".to_owned(), AttributeValue::N(until.unix_seconds().to_string())),
    ]);
    let request = db
        .client()
        .put_item()
        .table_name(db.table(Table::Tenants))
        .set_item(Some(tombstone))
        .condition_expression("attribute_exists(erasing)");
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// How the erasure of a tenant stands, also when nothing else is left of it.
pub async fn erasure(db: &Db, id: TenantId) -> Result<Option<Erasure>, StoreError> {
    #[derive(Deserialize)]
    struct Tombstone {
        erasure: Option<Erasure>,
    }
    let found: Option<Tombstone> = read(db, id).await?;
    Ok(found.and_then(|row| row.erasure))
}
