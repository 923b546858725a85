//! What Kurir relies on in DynamoDB and SQS, checked against the embedded pair, or against what
//! `KURIR_CONTRACT_ENDPOINT` names (ministack, LocalStack). The Lambda lane runs the same against its ministack.

use tests::{
    Gateway,
    contract::{self, Place},
};

#[tokio::test(flavor = "multi_thread")]
async fn store_and_queues_keep_their_contract() {
    let failed = match std::env::var("KURIR_CONTRACT_ENDPOINT") {
        Ok(endpoint) => contract::run(&Place::at(&endpoint, &endpoint, "test").await).await,
        Err(_) => {
            let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "0"), ("KURIR_PREFIX", "host-")]).await;
            contract::run(&Place::embedded(&gateway).await).await
        }
    };
    assert!(failed.is_empty(), "{} checks fail:\n{}", failed.len(), failed.join("\n"));
}
