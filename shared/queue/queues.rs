//! The queues as `infra/queues.json` describes them: Terraform makes them in the cloud from that file, this
//! makes them on an endpoint of one's own.

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde::Deserialize;

use super::{QueueError, QueueKind, Queues};

const QUEUES: &str = include_str!("../../infra/queues.json");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    shards: u16,
    queues: Vec<QueueSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QueueSpec {
    name: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "Terraform's; the code knows, and a test compares"))]
    per_shard: bool,
    fifo: bool,
    visibility_timeout_seconds: u32,
    retention_seconds: u32,
    dead_letter: Option<DeadLetterSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeadLetterSpec {
    max_receive_count: u32,
}

fn spec() -> Spec {
    serde_json::from_str(QUEUES).expect("infra/queues.json is checked by a test")
}

/// How many shards devices are spread over, unless the environment says otherwise.
pub(crate) fn shards() -> u16 {
    spec().shards
}

/// Makes the queues that are missing; those that exist stay as they are.
pub async fn create_missing(queues: &Queues) -> Result<(), QueueError> {
    for spec in spec().queues {
        let Some(kind) = QueueKind::ALL.into_iter().find(|kind| kind.name() == spec.name) else { continue };
        for shard in queues.shards_of(kind) {
            let name = queues.name(kind, shard);
            let dead_letter_arn = match &spec.dead_letter {
                Some(_) => Some(create(queues, &dead_letter_name(&name), &spec, None).await?),
                None => None,
            };
            create(queues, &name, &spec, dead_letter_arn).await?;
        }
    }
    Ok(())
}

fn dead_letter_name(name: &str) -> String {
    match name.strip_suffix(".fifo") {
        Some(stem) => format!("{stem}-dead.fifo"),
        None => format!("{name}-dead"),
    }
}

/// Makes one queue and says its ARN.
async fn create(
    queues: &Queues,
    name: &str,
    spec: &QueueSpec,
    dead_letter_arn: Option<String>,
) -> Result<String, QueueError> {
    let mut request = queues
        .client()
        .create_queue()
        .queue_name(name)
        .attributes(Name::VisibilityTimeout, spec.visibility_timeout_seconds.to_string())
        .attributes(Name::MessageRetentionPeriod, spec.retention_seconds.to_string());
    if spec.fifo {
        request = request.attributes(Name::FifoQueue, "true");
    }
    if let (Some(arn), Some(dead_letter)) = (dead_letter_arn, &spec.dead_letter) {
        let policy = serde_json::json!({
            "deadLetterTargetArn": arn,
            "maxReceiveCount": dead_letter.max_receive_count,
        });
        request = request.attributes(Name::RedrivePolicy, policy.to_string());
    }
    let url = match request.send().await {
        Ok(answer) => answer.queue_url.unwrap_or_default(),
        // It is there, with other attributes than these.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_queue_name_exists()) => {
            let answer = queues.client().get_queue_url().queue_name(name).send().await?;
            answer.queue_url.unwrap_or_default()
        }
        Err(error) => return Err(error.into()),
    };
    let answer =
        queues.client().get_queue_attributes().queue_url(url).attribute_names(Name::QueueArn).send().await?;
    Ok(answer.attributes.and_then(|mut all| all.remove(&Name::QueueArn)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_describes_every_queue_that_the_code_uses() {
        let spec = spec();
        for kind in QueueKind::ALL {
            let queue = spec.queues.iter().find(|queue| queue.name == kind.name()).unwrap();
            assert_eq!(queue.fifo, kind.is_fifo());
            assert_eq!(queue.per_shard, kind.is_per_shard());
        }
        assert!(spec.shards > 0);
    }
}
