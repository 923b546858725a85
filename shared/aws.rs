//! The AWS SDK, set up once per process.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls;

use crate::config::AwsConfig;

/// Loads what all AWS clients share: region, credentials, retries with backoff, and TLS by ring.
pub async fn sdk_config(config: &AwsConfig) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(
            RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(100)),
        )
        .timeout_config(timeouts(Duration::from_secs(10)));
    if let Some(key) = &config.local_key {
        loader = loader.region(Region::new("us-east-1")).credentials_provider(Credentials::new(
            key.expose(),
            "local",
            None,
            None,
            "kurir-local",
        ));
    }
    loader.load().await
}

/// How long one try of a request may take, when an endpoint swallows it.
pub(crate) fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(attempt)
        .build()
}
