//! The connection to DynamoDB and the names of the tables.

use std::{error::Error, sync::Arc};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::query::builders::QueryFluentBuilder,
};

use crate::{
    config::Config,
    crypto::{OpenError, TenantSealers},
    failure::FailureKind,
    faults::Faults,
};

/// A table of `infra/tables.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Tenants.
    Tenants,
    /// Accounts, and the claims that make e-mail addresses unique.
    Accounts,
    /// API keys by hash.
    ApiKeys,
    /// Refresh tokens by family.
    RefreshTokens,
    /// Devices by tenant.
    Devices,
    /// Keys of WhatsApp sessions, encrypted.
    SessionKeys,
    /// Messages by device.
    Messages,
    /// Chats by device.
    Chats,
    /// How the lanes of devices stand: counters and pacing.
    Lanes,
    /// Who holds which shard.
    Leases,
    /// The connectors that run.
    Workers,
    /// Which LID belongs to which phone number, by device.
    Contacts,
    /// What happened, by tenant.
    Events,
    /// Where tenants want their events sent to.
    Webhooks,
    /// What came of sending them, by webhook.
    Deliveries,
    /// Commands to the connector and their answers.
    Commands,
    /// What tenants use of their limits, and attempts to log in.
    Counters,
    /// Who did what.
    Audit,
    /// What could never be done and was passed over.
    SetAside,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 19] = [
        Self::Tenants,
        Self::Accounts,
        Self::ApiKeys,
        Self::RefreshTokens,
        Self::Devices,
        Self::SessionKeys,
        Self::Messages,
        Self::Chats,
        Self::Lanes,
        Self::Leases,
        Self::Workers,
        Self::Contacts,
        Self::Events,
        Self::Webhooks,
        Self::Deliveries,
        Self::Commands,
        Self::Counters,
        Self::Audit,
        Self::SetAside,
    ];

    /// The name in `infra/tables.json`, without the deployment's prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenants => "tenants",
            Self::Accounts => "accounts",
            Self::ApiKeys => "api-keys",
            Self::RefreshTokens => "refresh-tokens",
            Self::Devices => "devices",
            Self::SessionKeys => "session-keys",
            Self::Messages => "messages",
            Self::Chats => "chats",
            Self::Lanes => "lanes",
            Self::Leases => "leases",
            Self::Workers => "workers",
            Self::Contacts => "contacts",
            Self::Events => "events",
            Self::Webhooks => "webhooks",
            Self::Deliveries => "deliveries",
            Self::Commands => "commands",
            Self::Counters => "counters",
            Self::Audit => "audit",
            Self::SetAside => "set-aside",
        }
    }
}

/// DynamoDB as Kurir uses it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    faults: Faults,
    names: [String; Table::ALL.len()],
    sealers: TenantSealers,
}

impl Db {
    /// Connects. Nothing goes over the wire yet.
    pub fn new(sdk: &SdkConfig, config: &Config) -> Self {
        let faults = Faults::new(sdk.region().map(AsRef::as_ref));
        let mut builder = aws_sdk_dynamodb::config::Builder::from(sdk).interceptor(faults.clone());
        if let Some(endpoint) = &config.aws.dynamodb_endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        let names = Table::ALL.map(|table| format!("{}{}", config.prefix, table.name()));
        let sealers = config.master_key.tenant_sealers();
        Self(Arc::new(Inner { client: Client::from_conf(builder.build()), faults, names, sealers }))
    }

    /// The SDK's client.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The mistakes of this deployment that requests have come upon.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The full name of a table in this deployment.
    pub fn table(&self, table: Table) -> &str {
        &self.0.names[table as usize]
    }

    /// The table that a query asks.
    pub(super) fn table_of(&self, query: &QueryFluentBuilder) -> Table {
        let name = query.get_table_name().as_deref().unwrap_or_default();
        let asked = Table::ALL.into_iter().find(|table| self.table(*table) == name);
        asked.expect("a query names one of the tables")
    }

    /// Encryption of what is stored.
    pub(super) fn sealers(&self) -> &TenantSealers {
        &self.0.sealers
    }
}

/// DynamoDB could not be used, or holds something that this version does not understand.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many requests, or DynamoDB out of reach, after retries with backoff.
    #[error("DynamoDB is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// DynamoDB takes no such requests of this deployment.
    #[error("DynamoDB refuses this deployment")]
    Misconfigured(#[source] Box<dyn Error + Send + Sync>),
    /// DynamoDB does not take this one request, or never will.
    #[error("DynamoDB refused a request")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// A row that does not have the form of its type.
    #[error("a stored row cannot be read or written")]
    Row(#[from] serde_dynamo::Error),
    /// A sealed value that does not open.
    #[error(transparent)]
    Sealed(#[from] OpenError),
}

impl StoreError {
    /// Who waits, and what is given up.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unavailable(_) => FailureKind::Unavailable,
            Self::Misconfigured(_) => FailureKind::Misconfigured,
            Self::Refused(_) | Self::Row(_) | Self::Sealed(_) => FailureKind::Poison,
        }
    }
}

impl<E> From<SdkError<E>> for StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        match FailureKind::of(&error) {
            FailureKind::Unavailable => Self::Unavailable(error.into()),
            FailureKind::Misconfigured => Self::Misconfigured(error.into()),
            FailureKind::Poison => Self::Refused(error.into()),
        }
    }
}
