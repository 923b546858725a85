//! The embedded DynamoDB and SQS of a gateway, as it tells of them in its data folder.

use serde_json::Value;
use shared::{config::AwsConfig, secret::Secret};

use crate::{Api, Gateway};

/// Where they listen, and the key that opens them until the next start.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub dynamodb: String,
    pub sqs: String,
    pub key: String,
}

impl Endpoints {
    /// A gateway's.
    pub fn of(gateway: &Gateway) -> Self {
        let told = std::fs::read_to_string(gateway.data_dir().join("endpoints.json")).expect("told");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let text = |name: &str| told[name].as_str().expect("an embedded service").to_owned();
        Self { dynamodb: text("dynamodb"), sqs: text("sqs"), key: text("accessKeyId") }
    }

    /// What a program is told by its environment to use them.
    pub fn settings(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb),
            ("AWS_ENDPOINT_URL_SQS", &self.sqs),
            ("AWS_ACCESS_KEY_ID", &self.key),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ]
    }

    /// What this process needs to use them.
    pub fn config(&self) -> AwsConfig {
        AwsConfig {
            dynamodb_endpoint: Some(self.dynamodb.clone()),
            sqs_endpoint: Some(self.sqs.clone()),
            local_key: Some(Secret::new(&self.key)),
        }
    }

    /// The header `Authorization` of whoever shows a key. Only the key is looked at.
    pub fn signature(key: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
             Signature=00"
        )
    }

    /// Asks DynamoDB (`DynamoDB_20120810.…`) or SQS (`AmazonSQS.…`).
    pub async fn ask(&self, target: &str, body: Value) -> Value {
        let endpoint = if target.starts_with("DynamoDB_") { &self.dynamodb } else { &self.sqs };
        let api = Api::new(endpoint);
        let request = api
            .request(reqwest::Method::POST, "/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", Self::signature(&self.key))
            .header("x-amz-date", "20260101T000000Z")
            .body(body.to_string());
        api.send(request).await.expect(200).json
    }
}
