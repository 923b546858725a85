//! Accounts, each in one tenant. An address is claimed by a row of its own, in the same transaction as the account, so
//! that it stays unique however many register at once; counters of active owners and administrators, changed in
//! the same transactions, keep one of each there. Who is invited claims its address when it accepts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update as UpdateWrite};
use serde::{Deserialize, Serialize};

use super::{
    Db, Page, StoreError, Table, keys,
    page::{query_all, query_page},
    tenants::{self, TenantRow},
    transact::{Transacted, transact},
    update::Update,
};
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{
        account::{Account, Email},
        ids::{AccountId, TenantId},
        role::Role,
    },
    secret::Secret,
};

/// An account as it is stored: with what only the login needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRow {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// PHC string of argon2id; none until an invitation is accepted.
    pub password_hash: Option<Secret>,
    /// Which generation of tokens works: a higher one ends all before.
    pub generation: u32,
    /// By what an invitation is accepted: the hash of its token. Its end is the account's.
    #[serde(default)]
    pub invite_hash: Option<String>,
}

impl AccountRow {
    /// The generation of its tokens in its tenant. Both numbers only grow: while the sum is the same, so are they.
    pub fn generation_in(&self, tenant: &TenantRow) -> u32 {
        self.generation + tenant.generation
    }
}

#[derive(Serialize)]
struct Keyed<'a> {
    pk: String,
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

/// What came of creating an account, or of accepting an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It exists now.
    Done,
    /// Another account has the address.
    EmailTaken,
    /// Its tenant is gone, or the invitation is.
    Gone,
}

/// What came of a change that may take an owner or an administrator away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// It would leave no active administrator.
    LastAdmin,
    /// It would leave its tenant no active owner.
    LastOwner,
    /// The account changed meanwhile, or is gone: look again.
    Stale,
}

/// Stores a new account and claims its address, unless it is invited; with its tenant, when that is new, too.
pub async fn create(db: &Db, row: &AccountRow, new_tenant: Option<TenantRow>) -> Result<Created, StoreError> {
    let id = row.account.id;
    let keyed = Keyed {
        pk: keys::account(id),
        position: keys::position(row.account.created_at, &id.to_string()),
        row,
    };
    let (owners, admins) = weight(row);
    let tenant = match new_tenant {
        Some(tenant) => {
            let (owners, admins) = (u32::from(owners), u32::from(admins));
            tenants::put(db, &TenantRow { owners, admins, ..tenant })?
        }
        None => tenants::count(db, row.account.tenant_id, i8::from(owners), i8::from(admins)),
    };
    let mut writes = vec![tenant, put_new(db, db.to_item(Table::Accounts, keyed)?)];
    if row.invite_hash.is_none() {
        writes.push(put_new(db, claim(db, &row.account)?));
    }
    if admins {
        writes.push(count_admins(db, 1));
    }
    Ok(match transact(db, writes).await? {
        Transacted::Done => Created::Done,
        Transacted::Refused(refused) if refused.contains(&0) => Created::Gone,
        Transacted::Refused(_) => Created::EmailTaken,
    })
}

/// Accepts an invitation, once: the account has its address, a name and a password from now on.
pub async fn accept(
    db: &Db,
    invited: &AccountRow,
    name: &str,
    password_hash: &Secret,
) -> Result<Created, StoreError> {
    let account = &invited.account;
    let update = UpdateWrite::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(account.id)))
        .condition_expression("inviteHash = :hash AND active = :active AND #role = :role")
        .update_expression("SET #name = :name, passwordHash = :password REMOVE inviteHash, inviteExpiresAt")
        .expression_attribute_names("#name", "name")
        .expression_attribute_names("#role", "role")
        .expression_attribute_values(":hash", serde_dynamo::to_attribute_value(&invited.invite_hash)?)
        .expression_attribute_values(":active", AttributeValue::Bool(account.active))
        .expression_attribute_values(":role", serde_dynamo::to_attribute_value(account.role)?)
        .expression_attribute_values(":name", AttributeValue::S(name.into()))
        .expression_attribute_values(":password", serde_dynamo::to_attribute_value(password_hash)?)
        .build()
        .expect("table, key and expression are given");
    let accepted = AccountRow { invite_hash: None, ..invited.clone() };
    let (owners, admins) = weight(&accepted);
    let mut writes = vec![
        TransactWriteItem::builder().update(update).build(),
        tenants::count(db, account.tenant_id, i8::from(owners), i8::from(admins)),
        put_new(db, claim(db, account)?),
    ];
    if admins {
        writes.push(count_admins(db, 1));
    }
    Ok(match transact(db, writes).await? {
        Transacted::Done => Created::Done,
        Transacted::Refused(refused) if refused == [2] => Created::EmailTaken,
        Transacted::Refused(_) => Created::Gone,
    })
}

/// One account.
pub async fn get(db: &Db, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    read(db, keys::account(id)).await
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

/// A tenant's members, oldest first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    limit: u16,
    from: Option<LastKey>,
) -> Result<Page<Account>, StoreError> {
    let page: Page<AccountRow> =
        query_page(db, of_tenant(db, tenant), &["pk", "tenantId", "position"], limit, from).await?;
    Ok(page.map(|row| row.account))
}

/// All of a tenant's members: for its erasure, and for what is bounded by the number of people.
pub async fn all(db: &Db, tenant: TenantId) -> Result<Vec<AccountRow>, StoreError> {
    query_all(db, of_tenant(db, tenant)).await
}

fn of_tenant(db: &Db, tenant: TenantId) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
    db.client()
        .query()
        .table_name(db.table(Table::Accounts))
        .index_name("by-tenant")
        .key_condition_expression("tenantId = :tenant")
        .expression_attribute_values(":tenant", AttributeValue::S(tenant.to_string()))
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

/// Puts `after` in place of `before`: name, role and activity. What takes a role or the activity away ends all tokens
/// too.
pub async fn replace(db: &Db, before: &AccountRow, after: &AccountRow) -> Result<Changed, StoreError> {
    let account = &after.account;
    let is_less = account.role < before.account.role || !account.active;
    let (condition, mut values) = unchanged(before)?;
    values.extend([
        (":name".into(), AttributeValue::S(account.name.clone())),
        (":role".into(), serde_dynamo::to_attribute_value(account.role)?),
        (":active".into(), AttributeValue::Bool(account.active)),
        (":step".into(), AttributeValue::N(u8::from(is_less).to_string())),
    ]);
    let update = UpdateWrite::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(account.id)))
        .update_expression(
            "SET #name = :name, #role = :role, active = :active, generation = generation + :step",
        )
        .condition_expression(condition)
        .expression_attribute_names("#name", "name")
        .expression_attribute_names("#role", "role")
        .set_expression_attribute_values(Some(values))
        .build()
        .expect("table, key and expression are given");
    settle(db, vec![TransactWriteItem::builder().update(update).build()], before, weight(after)).await
}

/// Deletes an account and frees its address.
pub async fn delete(db: &Db, row: &AccountRow) -> Result<Changed, StoreError> {
    let (condition, values) = unchanged(row)?;
    let delete = Delete::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(row.account.id)))
        .condition_expression(condition)
        .expression_attribute_names("#name", "name")
        .expression_attribute_names("#role", "role")
        .set_expression_attribute_values(Some(values))
        .build()
        .expect("table, key and expression are given");
    let mut writes = vec![TransactWriteItem::builder().delete(delete).build()];
    if row.invite_hash.is_none() {
        writes.push(unclaim(db, &row.account));
    }
    settle(db, writes, row, NOTHING).await
}

/// Erases an account of a tenant that is being erased.
pub async fn erase(db: &Db, row: &AccountRow) -> Result<(), StoreError> {
    let delete = Delete::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::account(row.account.id)))
        .build()
        .expect("table and key are given");
    let mut writes = vec![TransactWriteItem::builder().delete(delete).build()];
    if row.invite_hash.is_none() {
        writes.push(unclaim(db, &row.account));
    }
    transact(db, writes).await.map(drop)
}

/// The condition that an account is as it was read, and its values; its names are `#name` and `#role`.
fn unchanged(row: &AccountRow) -> Result<(String, HashMap<String, AttributeValue>), StoreError> {
    let mut condition = "#role = :oldRole AND active = :oldActive AND #name = :oldName".to_owned();
    let mut values = HashMap::from([
        (":oldRole".to_owned(), serde_dynamo::to_attribute_value(row.account.role)?),
        (":oldActive".to_owned(), AttributeValue::Bool(row.account.active)),
        (":oldName".to_owned(), AttributeValue::S(row.account.name.clone())),
    ]);
    match &row.invite_hash {
        Some(hash) => {
            condition.push_str(" AND inviteHash = :oldInvite");
            values.insert(":oldInvite".into(), AttributeValue::S(hash.clone()));
        }
        None => condition.push_str(" AND attribute_not_exists(inviteHash)"),
    }
    Ok((condition, values))
}

/// What an account counts as: an active owner, and an active administrator.
type Weight = (bool, bool);

const NOTHING: Weight = (false, false);

fn weight(row: &AccountRow) -> Weight {
    let counts = row.account.active && row.invite_hash.is_none();
    (counts && row.account.role >= Role::Owner, counts && row.account.role == Role::Admin)
}

/// Does these writes, the first of which is on the condition that the account is as `before`, with the counts that
/// follow from them.
async fn settle(
    db: &Db,
    mut writes: Vec<TransactWriteItem>,
    before: &AccountRow,
    after: Weight,
) -> Result<Changed, StoreError> {
    let was = weight(before);
    let step = |was: bool, is: bool| i8::from(is) - i8::from(was);
    let (owners, admins) = (step(was.0, after.0), step(was.1, after.1));
    let first_count = writes.len();
    if (owners, admins) != (0, 0) {
        writes.push(tenants::count(db, before.account.tenant_id, owners, admins));
    }
    if admins != 0 {
        writes.push(count_admins(db, admins));
    }
    Ok(match transact(db, writes).await? {
        Transacted::Done => Changed::Done,
        Transacted::Refused(refused) if refused.contains(&0) => Changed::Stale,
        Transacted::Refused(refused) if refused.contains(&(first_count + 1)) => Changed::LastAdmin,
        Transacted::Refused(refused) if owners < 0 && refused.contains(&first_count) => Changed::LastOwner,
        Transacted::Refused(_) => Changed::Stale,
    })
}

fn put_new(db: &Db, item: HashMap<String, AttributeValue>) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(db.table(Table::Accounts))
        .condition_expression("attribute_not_exists(pk)")
        .set_item(Some(item))
        .build()
        .expect("table and item are given");
    TransactWriteItem::builder().put(put).build()
}

/// The row that claims an account's address.
fn claim(db: &Db, account: &Account) -> Result<HashMap<String, AttributeValue>, StoreError> {
    db.to_item(Table::Accounts, EmailClaim { pk: keys::email(&account.email), account_id: account.id })
}

/// The write that frees an account's address.
fn unclaim(db: &Db, account: &Account) -> TransactWriteItem {
    let delete = Delete::builder()
        .table_name(db.table(Table::Accounts))
        .key("pk", AttributeValue::S(keys::email(&account.email)))
        .condition_expression("accountId = :id")
        .expression_attribute_values(":id", AttributeValue::S(account.id.to_string()))
        .build()
        .expect("table and key are given");
    TransactWriteItem::builder().delete(delete).build()
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
