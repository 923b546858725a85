//! Where the checks run: tables and queues of their own at an endpoint.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use shared::{
    aws,
    clock::{Clock, SystemClock, Timestamp},
    config::{AwsConfig, Config},
    crypto::MasterKey,
    queue::{self, QueueKind, Queues},
    secret::Secret,
    store::{Db, tables},
};

use crate::{Endpoints, Gateway};

/// A store and queues. Cheap to clone.
#[derive(Clone)]
pub struct Place {
    pub db: Db,
    pub queues: Queues,
    /// SQS, for what the code does not ask of it.
    pub sqs: aws_sdk_sqs::Client,
    pub prefix: String,
}

impl Place {
    /// The embedded pair of a gateway.
    pub async fn embedded(gateway: &Gateway) -> Self {
        let services = Endpoints::of(gateway);
        Self::at(&services.dynamodb, &services.sqs, &services.key).await
    }

    /// With new tables and queues at these endpoints, as the owner of this access key. An emulator's root account is
    /// `test`, which is nobody in AWS.
    pub async fn at(dynamodb: &str, sqs: &str, key: &str) -> Self {
        let config = AwsConfig {
            dynamodb_endpoint: Some(dynamodb.to_owned()),
            sqs_endpoint: Some(sqs.to_owned()),
            local_key: Some(Secret::new(key)),
        };
        let prefix = format!("contract-{:08x}-", rand::random::<u32>());
        let config = Config {
            prefix: prefix.clone(),
            ..Config::with(config, MasterKey::generate()).expect("settings")
        };
        let root = Credentials::new(key, "test", None, None, "contract");
        let sdk = aws::sdk_config(&config.aws).await.into_builder();
        let sdk = sdk.credentials_provider(SharedCredentialsProvider::new(root)).build();
        let (db, queues) = (Db::new(&sdk, &config), Queues::new(&sdk, &config));
        tables::create_missing(&db).await.expect("tables");
        queue::create_missing(&queues).await.expect("queues");
        let sqs = aws_sdk_sqs::config::Builder::from(&sdk).endpoint_url(sqs).build();
        Self { db, queues, sqs: aws_sdk_sqs::Client::from_conf(sqs), prefix }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// The address of a queue.
    pub async fn url(&self, kind: QueueKind, shard: u16) -> String {
        let shard = if kind.is_per_shard() { format!("-{shard}") } else { String::new() };
        let fifo = if kind.is_fifo() { ".fifo" } else { "" };
        let name = format!("{}{}{shard}{fifo}", self.prefix, kind.name());
        let answer = self.sqs.get_queue_url().queue_name(name).send().await.expect("the queue is there");
        answer.queue_url.expect("an address")
    }

    /// What a queue has now, without waiting for more than a second.
    pub async fn receive(&self, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let asked = self.sqs.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(1);
        asked.send().await.expect("it can be received").messages.unwrap_or_default()
    }

    /// Waits for one message.
    pub async fn receive_one(&self, url: &str) -> aws_sdk_sqs::types::Message {
        crate::eventually("a message", async || {
            let mut found = self.receive(url).await;
            assert!(found.len() < 2, "several messages where there should be one");
            found.pop()
        })
        .await
    }
}
