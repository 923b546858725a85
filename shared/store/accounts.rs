//! Accounts. An address is claimed by a row of its own, in the same transaction as the account, so that
//! it stays unique however many register at once; a counter of the active administrators, changed in the same
//! transactions, keeps one there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update as UpdateWrite};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{query_all, query_page},
    transact::{Transacted, transact},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        account::{Account, Email, Erasure},
        ids::AccountId,
        role::Role,
    },
    secret::Secret,
};

/// Partition of the `by-created` index that holds every account.
const KIND: &str = "account";

/// Partition of the `erasing` index.
const ERASING: &str = "erasing";

/// An account as it is stored: with what only the login needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRow {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// PHC string of argon2id.
    pub password_hash: Secret,
    /// Which generation of tokens works: a higher one ends all before.
    pub generation: u32,
    /// Set when the account is being erased.
    #[serde(default)]
    pub erasure: Option<Erasure>,
}

#[derive(Serialize)]
struct Keyed<'a> {
    pk: String,
    kind: &'static str,
    position: String,
    #[serde(flatten)]
    row: &'a AccountRow,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailClaim {
    pk: String,
    account_id: AccountId,
}

/// What came of creating an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It exists now.
    Done,
    /// Another account has the address.
    EmailTaken,
}

/// What came of a change that may take an administrator away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// It would leave no active administrator.
    LastAdmin,
    /// The account changed meanwhile, or is gone: look again.
    Stale,
}

/// Stores a new account and claims its address.
pub async fn create(db: &Db, row: &AccountRow) -> Result<Created, StoreError> {
    let id = row.account.id;
    let put = |item| {
        let put = Put::builder()
            .table_name(db.table(Table::Accounts))
            .condition_expression("attribute_not_exists(pk)")
            .set_item(Some(item))
            .build()
            .expect("table and item are given");
        TransactWriteItem::builder().put(put).build()
    };
    let keyed = Keyed {
        pk: keys::account(id),
        kind: KIND,
        position: keys::position(row.account.created_at, &id.to_string()),
        row,
    };
    let claim = EmailClaim { pk: keys::email(&row.account.email), account_id: id };
    let mut writes = vec![put(db.to_item(Table::Accounts, keyed)?), put(db.to_item(Table::Accounts, claim)?)];
    if is_admin(&row.account) {
        writes.push(count_admins(db, 1));
    }
    match transact(db, writes).await? {
        Transacted::Done => Ok(Created::Done),
        Transacted::Refused(_) => Ok(Created::EmailTaken),
    }
}

/// One account, also one that is being erased; not one that is.
pub async fn get(db: &Db, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Found {
        Account(Box<AccountRow>),
        Tombstone {
            #[serde(rename = "erasure")]
            _erasure: Erasure,
        },
    }
    Ok(match read(db, keys::account(id)).await? {
        Some(Found::Account(row)) => Some(*row),
        Some(Found::Tombstone { .. }) | None => None,
    })
}

/// The account that an address belongs to.
pub async fn find_by_email(db: &Db, email: &Email) -> Result<Option<AccountRow>, StoreError> {
    let claim: Option<EmailClaim> = read(db, keys::email(email)).await?;
    // An unknown address takes a second read, too, so that it takes as long as a known one.
    get(db, claim.map_or_else(|| AccountId::derived([0; 32]), |claim| claim.account_id)).await
}

async fn read<T: serde::de::DeserializeOwned>(db: &Db, pk: String) -> Result<Option<T>, StoreError> {
    let answer = db
        .client()
        .get_item()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(pk))
        .consistent_read(true)
        .send()
        .await?;
    answer.item.map(|item| db.read_item(Table::Accounts, item)).transpose()
}

/// Which accounts are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Their role.
    pub role: Option<Role>,
    /// Their plan.
    pub plan: Option<String>,
    /// Whether their credentials work.
    pub active: Option<bool>,
    /// A part of their e-mail address, in lower case.
    pub email: Option<String>,
}

/// Accounts, oldest first, without those that are being erased.
pub async fn list(
    db: &Db,
    filter: &Filter,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Account>, StoreError> {
    let mut query = db
        .client()
        .query()
        .table_name(db.table(Table::Accounts))
        .index_name("by-created")
        .key_condition_expression("#kind = :kind")
        .expression_attribute_names("#kind", "kind")
        .expression_attribute_values(":kind", AttributeValue::S(KIND.into()));
    let mut conditions = vec!["attribute_not_exists(erasure)"];
    if let Some(role) = filter.role {
        conditions.push("#role = :role");
        query = query
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":role", serde_dynamo::to_attribute_value(role)?);
    }
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
    if let Some(email) = &filter.email {
        conditions.push("contains(email, :email)");
        query = query.expression_attribute_values(":email", AttributeValue::S(email.clone()));
    }
    let page: Page<AccountRow> = query_page(
        db,
        query.filter_expression(conditions.join(" AND ")),
        &["pk", "kind", "position"],
        limit,
        from,
    )
    .await?;
    Ok(page.map(|row| row.account))
}

/// Writes down a login.
pub async fn set_last_login(db: &Db, id: AccountId, at: Timestamp) -> Result<(), StoreError> {
    change(db, id, Update::default().set("lastLoginAt", at)?).await
}

/// Changes the name.
pub async fn rename(db: &Db, id: AccountId, name: &str) -> Result<(), StoreError> {
    change(db, id, Update::default().set("name", name)?).await
}

/// Changes the password, which ends all tokens.
pub async fn set_password_hash(db: &Db, id: AccountId, hash: &Secret) -> Result<(), StoreError> {
    change(db, id, Update::default().set("passwordHash", hash)?.add("generation", 1)?).await
}

/// Ends all tokens.
pub async fn end_tokens(db: &Db, id: AccountId) -> Result<(), StoreError> {
    change(db, id, Update::default().add("generation", 1)?).await
}

async fn change(db: &Db, id: AccountId, update: Update) -> Result<(), StoreError> {
    let request = db
        .client()
        .update_item()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(id)))
        .condition_expression("attribute_exists(pk)");
    update.apply(request).send().await?;
    Ok(())
}

/// Puts `after` in place of `before`: name, role, plan, active, and the beginning of an erasure. What takes
/// a role or the activity away ends all tokens too.
pub async fn replace(db: &Db, before: &AccountRow, after: &AccountRow) -> Result<Changed, StoreError> {
    let account = &after.account;
    let mut write = UpdateWrite::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(account.id)))
        .condition_expression(
            "attribute_exists(pk) AND #role = :oldRole AND active = :oldActive AND #name = :oldName \
             AND #plan = :oldPlan AND attribute_not_exists(erasure)",
        )
        .expression_attribute_names("#name", "name")
        .expression_attribute_names("#role", "role")
        .expression_attribute_names("#plan", "plan")
        .expression_attribute_values(":oldRole", serde_dynamo::to_attribute_value(before.account.role)?)
        .expression_attribute_values(":oldName", AttributeValue::S(before.account.name.clone()))
        .expression_attribute_values(":oldPlan", AttributeValue::S(before.account.plan.clone()))
        .expression_attribute_values(":oldActive", AttributeValue::Bool(before.account.active))
        .expression_attribute_values(":name", AttributeValue::S(account.name.clone()))
        .expression_attribute_values(":role", serde_dynamo::to_attribute_value(account.role)?)
        .expression_attribute_values(":plan", AttributeValue::S(account.plan.clone()))
        .expression_attribute_values(":active", AttributeValue::Bool(account.active))
        .expression_attribute_values(
            ":step",
            AttributeValue::N(u8::from(is_less(before, after)).to_string()),
        );
    let mut expression =
        "SET #name = :name, #role = :role, #plan = :plan, active = :active, generation = generation + :step"
            .to_owned();
    if let Some(erasure) = &after.erasure {
        expression.push_str(", erasure = :erasure, erasing = :erasing");
        write = write
            .expression_attribute_values(":erasure", serde_dynamo::to_attribute_value(erasure)?)
            .expression_attribute_values(":erasing", AttributeValue::S(ERASING.into()));
    }
    let write = write.update_expression(expression).build().expect("table, key and expression are given");
    let mut writes = vec![TransactWriteItem::builder().update(write).build()];
    match (is_admin(&before.account), is_admin(account)) {
        (true, false) => writes.push(count_admins(db, -1)),
        (false, true) => writes.push(count_admins(db, 1)),
        _ => {}
    }
    match transact(db, writes).await? {
        Transacted::Done => Ok(Changed::Done),
        Transacted::Refused(refused) => {
            Ok(if refused.contains(&1) { Changed::LastAdmin } else { Changed::Stale })
        }
    }
}

/// The accounts whose erasure is not done.
pub async fn list_erasing(db: &Db) -> Result<Vec<AccountId>, StoreError> {
    #[derive(Deserialize)]
    struct Key {
        pk: String,
    }
    let query = db
        .client()
        .query()
        .table_name(db.table(Table::Accounts))
        .index_name("erasing")
        .key_condition_expression("erasing = :erasing")
        .expression_attribute_values(":erasing", AttributeValue::S(ERASING.into()));
    let found: Vec<Key> = query_all(db, query).await?;
    Ok(found.iter().filter_map(|key| key.pk.strip_prefix("account#")?.parse().ok()).collect())
}

/// Ends an erasure, once, however many try: the address is free again, and of the account only its id and the erasure stay, until
/// `until`.
pub async fn finish_erasure(
    db: &Db,
    row: &AccountRow,
    erasure: &Erasure,
    until: Timestamp,
) -> Result<(), StoreError> {
    let tombstone = HashMap::from([
        ("pk".to_owned(), AttributeValue::S(keys::account(row.account.id))),
        ("erasure".to_owned(), serde_dynamo::to_attribute_value(erasure)?),
        ("ttl".to_owned(), AttributeValue::N(until.unix_seconds().to_string())),
    ]);
    let put = Put::builder()
        .table_name(db.table(Table::Accounts))
        .set_item(Some(tombstone))
        .condition_expression("attribute_exists(erasing)")
        .build()
        .expect("table and item are given");
    let delete = Delete::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::email(&row.account.email)))
        .condition_expression("accountId = :id")
        .expression_attribute_values(":id", AttributeValue::S(row.account.id.to_string()))
        .build()
        .expect("table and key are given");
    let writes = vec![
        TransactWriteItem::builder().put(put).build(),
        TransactWriteItem::builder().delete(delete).build(),
    ];
    transact(db, writes).await.map(drop)
}

/// How the erasure of an account stands, also when nothing else is left of it.
pub async fn erasure(db: &Db, id: AccountId) -> Result<Option<Erasure>, StoreError> {
    #[derive(Deserialize)]
    struct Tombstone {
        erasure: Option<Erasure>,
    }
    let found: Option<Tombstone> = read(db, keys::account(id)).await?;
    Ok(found.and_then(|row| row.erasure))
}

fn is_admin(account: &Account) -> bool {
    account.role == Role::Admin && account.active
}

fn is_less(before: &AccountRow, after: &AccountRow) -> bool {
    after.account.role < before.account.role || !after.account.active || after.erasure.is_some()
}

/// Counts an administrator more, or one less unless it is the last.
fn count_admins(db: &Db, step: i8) -> TransactWriteItem {
    let mut update = UpdateWrite::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::ADMINS.into()))
        .update_expression("ADD admins :step")
        .expression_attribute_values(":step", AttributeValue::N(step.to_string()));
    if step < 0 {
        update = update
            .condition_expression("admins > :one")
            .expression_attribute_values(":one", AttributeValue::N("1".into()));
    }
    let update = update.build().expect("table, key and expression are given");
    TransactWriteItem::builder().update(update).build()
}
