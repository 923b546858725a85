//! A gateway's DynamoDB and SQS outside of it: lent by another gateway, with a proxy in between.

use serde_json::Value;

use crate::{AwsProxy, Gateway};

/// The pair, for as long as this lives.
pub struct Aws {
    /// In the middle.
    pub proxy: AwsProxy,
    host: Gateway,
}

impl Aws {
    /// Starts a gateway for the sake of its embedded pair. It serves no devices, and what it stores for itself
    /// has other names.
    pub async fn start(seed: u64) -> Self {
        let host = Gateway::start_with(&[("KURIR_PREFIX", "host-"), ("KURIR_CONNECTORS", "0")]).await;
        Self { proxy: AwsProxy::of(&host, seed).await, host }
    }

    /// All that a table of who stores here holds.
    pub async fn dump(&self, table: &str) -> Value {
        self.host.dump(table).await
    }

    /// Starts a gateway that stores everything here.
    pub async fn gateway(&self, env: &[(&str, &str)]) -> Gateway {
        let mut all = vec![("AWS_ENDPOINT_URL", self.proxy.url.as_str())];
        all.extend_from_slice(env);
        Gateway::start_with(&all).await
    }
}
