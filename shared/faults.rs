//! Mistakes of a deployment, seen in what AWS answers: each is told in the log with what to do about it, once a
//! minute at most.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::BoxError,
};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::{Storable, StoreReplace},
};
use serde_json::Value;
use tokio::time::Instant;

/// How long a fault that was told is not told again.
const QUIET: Duration = Duration::from_secs(60);

const NO_REGION: &str = "no region";

/// A mistake of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// A table that is not there.
    #[error(
        "there is no table `{name}` in {region}: create it with `terraform apply`, or correct KURIR_PREFIX, \
         AWS_REGION or AWS_ENDPOINT_URL"
    )]
    NoTable {
        /// Its full name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// A queue that is not there.
    #[error(
        "there is no queue `{name}` in {region}: create it with `terraform apply`, or correct KURIR_PREFIX, \
         KURIR_SHARDS, AWS_REGION or AWS_ENDPOINT_URL"
    )]
    NoQueue {
        /// Its full name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// A table that is there, but lacks an index.
    #[error(
        "the table `{name}` lacks an index, it is of another version: bring it up to date with `terraform apply`"
    )]
    NoIndex {
        /// The table's full name.
        name: String,
    },
    /// Something that the program's role does not allow.
    #[error(
        "`{action}` on `{resource}` is not allowed: the program's role needs it; infra/functions.json lists what \
         each program needs, and `terraform apply` grants it ({code})"
    )]
    Forbidden {
        /// Such as `dynamodb:GetItem`.
        action: String,
        /// The table's or the queue's full name.
        resource: String,
        /// AWS's word for it.
        code: String,
    },
    /// Credentials that AWS does not take.
    #[error(
        "AWS does not accept the credentials ({code}): check the role, or AWS_ACCESS_KEY_ID, \
         AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and whether AWS_REGION and this machine's clock are right"
    )]
    BadCredentials {
        /// AWS's word for it.
        code: String,
    },
    /// No credentials.
    #[error(
        "there are no AWS credentials: give the program a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// No region.
    #[error("there is no AWS region: set AWS_REGION to the region of the deployment")]
    NoRegion,
    /// Nobody answers.
    #[error("`{host}` cannot be reached: check the network, AWS_REGION ({region}) and AWS_ENDPOINT_URL")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// The region in use.
        region: String,
    },
}

impl Fault {
    /// Whether it lasts until somebody mends it. A network may mend itself.
    pub fn lasts(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }
}

/// Looks at every answer of one AWS client.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    region: String,
    /// What was seen, and when it was told last.
    seen: Mutex<BTreeMap<Fault, Instant>>,
}

impl Faults {
    /// For a client of this region.
    pub fn new(region: Option<&str>) -> Self {
        let region = region.unwrap_or(NO_REGION).to_owned();
        Self(Arc::new(Inner { region, seen: Mutex::default() }))
    }

    /// All that was seen in this process.
    pub fn seen(&self) -> Vec<Fault> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn tell(&self, fault: Fault) {
        let now = Instant::now();
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(&fault).is_some_and(|told| now.duration_since(*told) < QUIET) {
            return;
        }
        match fault.lasts() {
            true => tracing::error!("deployment: {fault}"),
            false => tracing::warn!("deployment: {fault}"),
        }
        seen.insert(fault, now);
    }
}

impl Intercept for Faults {
    fn name(&self) -> &'static str {
        "Faults"
    }

    /// Afterwards, the request is gone.
    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        config.interceptor_state().store_put(Asked {
            target: request.headers().get("x-amz-target").unwrap_or_default().to_owned(),
            host: request.uri().split('/').nth(2).unwrap_or_default().to_owned(),
            // Shared, not copied.
            body: request.body().try_clone().unwrap_or_else(SdkBody::empty),
        });
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = context.output_or_error() else { return Ok(()) };
        let asked = config.load::<Asked>();
        let fault = match context.response() {
            Some(response) => {
                let kind = response.headers().get("x-amzn-errortype").unwrap_or_default();
                let body = response.body().bytes().unwrap_or_default();
                asked.and_then(|asked| refused(asked, kind, body, &self.0.region))
            }
            None => unanswered(&format!("{error:?}"), asked, &self.0.region),
        };
        if let Some(fault) = fault {
            self.tell(fault);
        }
        Ok(())
    }
}

/// A request, as far as it matters here.
#[derive(Debug)]
struct Asked {
    /// Service, version and action, like `DynamoDB_20120810.GetItem`.
    target: String,
    host: String,
    body: SdkBody,
}

impl Storable for Asked {
    type Storer = StoreReplace<Self>;
}

impl Asked {
    fn action(&self) -> String {
        let (service, action) = self.target.split_once('.').unwrap_or((&self.target, "?"));
        let service = if service.starts_with("DynamoDB") { "dynamodb" } else { "sqs" };
        format!("{service}:{action}")
    }

    /// The table or tables, or the queue.
    fn resource(&self) -> String {
        let body: Value = serde_json::from_slice(self.body.bytes().unwrap_or_default()).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let items = || {
            let single = body["TransactItems"].as_array().into_iter().flatten();
            let single = single.flat_map(|item| item.as_object().into_iter().flat_map(|item| item.values()));
            let mut names: Vec<&str> = single.filter_map(|item| item["TableName"].as_str()).collect();
            names.extend(
                body["RequestItems"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()),
            );
            names.sort_unstable();
            names.dedup();
            names.join("`, `")
        };
        text("TableName")
            .or_else(|| text("QueueName"))
            .or_else(|| Some(text("QueueUrl")?.rsplit('/').next()?.to_owned()))
            .unwrap_or_else(items)
    }
}

/// What is behind a refusal, when it is a mistake of the deployment.
fn refused(asked: &Asked, kind: &str, body: &[u8], region: &str) -> Option<Fault> {
    const CREDENTIALS: [&str; 9] = [
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "ExpiredToken",
        "ExpiredTokenException",
    ];
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`, or with an address behind.
    let code = body["__type"].as_str().unwrap_or(kind);
    let code = code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or(code);
    let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or_default();
    let (name, region) = (|| asked.resource(), || region.to_owned());
    match code {
        "ResourceNotFoundException" => Some(Fault::NoTable { name: name(), region: region() }),
        _ if code.contains("QueueDoesNotExist") || code.contains("NonExistentQueue") => {
            Some(Fault::NoQueue { name: name(), region: region() })
        }
        "ValidationException" if message.contains("specified index") => Some(Fault::NoIndex { name: name() }),
        _ if code.to_lowercase().contains("accessdenied") || code == "UnauthorizedOperation" => {
            // Of a transaction, only the message tells which action it was.
            let named =
                message.split_once("to perform: ").and_then(|(_, rest)| rest.split_whitespace().next());
            let action = named.map_or_else(|| asked.action(), str::to_owned);
            Some(Fault::Forbidden { action, resource: name(), code: code.into() })
        }
        _ if CREDENTIALS.contains(&code) => Some(Fault::BadCredentials { code: code.into() }),
        _ => None,
    }
}

/// What is behind a request that got no answer: either it could not be made, or it led nowhere.
fn unanswered(error: &str, asked: Option<&Asked>, region: &str) -> Option<Fault> {
    let has = |texts: &[&str]| texts.iter().any(|text| error.contains(text));
    if region == NO_REGION {
        return Some(Fault::NoRegion);
    }
    if has(&["CredentialsNotLoaded", "no providers in chain", "ProviderError", "ProviderTimedOut"]) {
        return Some(Fault::NoCredentials);
    }
    let host = asked?.host.clone();
    Some(Fault::Unreachable { host, region: region.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, body: &str) -> Asked {
        let host = "dynamodb.eu-west-1.amazonaws.com".into();
        Asked { target: target.into(), host, body: SdkBody::from(body) }
    }

    fn answer(asked: &Asked, code: &str, message: &str) -> Option<String> {
        let body = serde_json::json!({"__type": code, "message": message}).to_string();
        refused(asked, "", body.as_bytes(), "eu-west-1").map(|fault| fault.to_string())
    }

    #[test]
    fn a_missing_table_or_queue_is_named_with_what_to_do() {
        let get = asked("DynamoDB_20120810.GetItem", r#"{"TableName": "kurir-accounts"}"#);
        let code = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
        let text = answer(&get, code, "Requested resource not found").unwrap();
        assert!(text.starts_with("there is no table `kurir-accounts` in eu-west-1"), "{text}");
        assert!(text.contains("terraform apply") && text.contains("KURIR_PREFIX"), "{text}");

        let find = asked("AmazonSQS.GetQueueUrl", r#"{"QueueName": "kurir-sends-3.fifo"}"#);
        for code in ["com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
            let text = answer(&find, code, "The specified queue does not exist.").unwrap();
            assert!(text.starts_with("there is no queue `kurir-sends-3.fifo` in eu-west-1"), "{text}");
            assert!(text.contains("KURIR_SHARDS"), "{text}");
        }
    }

    #[test]
    fn a_missing_permission_is_named_by_action_and_resource() {
        let code = "com.amazon.coral.service#AccessDeniedException";
        let message = "User: … is not authorized to perform: dynamodb:Query";
        let query = asked("DynamoDB_20120810.Query", r#"{"TableName": "kurir-leases"}"#);
        let text = answer(&query, code, message).unwrap();
        assert!(text.starts_with("`dynamodb:Query` on `kurir-leases` is not allowed"), "{text}");
        assert!(text.contains("infra/functions.json"), "{text}");

        let send =
            asked("AmazonSQS.SendMessage", r#"{"QueueUrl": "https://sqs/123456789012/kurir-commands-0"}"#);
        let text = answer(&send, "com.amazonaws.sqs#AccessDenied", "").unwrap();
        assert!(text.starts_with("`sqs:SendMessage` on `kurir-commands-0` is not allowed"), "{text}");
        let items = r#"{"TransactItems": [{"Put": {"TableName": "kurir-accounts"}}]}"#;
        let message = "User: … is not authorized to perform: dynamodb:UpdateItem on resource: …";
        let code = "com.amazon.coral.service#AccessDeniedException";
        let text = answer(&asked("DynamoDB_20120810.TransactWriteItems", items), code, message).unwrap();
        assert!(text.starts_with("`dynamodb:UpdateItem` on `kurir-accounts` is not allowed"), "{text}");
        // A key that the role may not use looks like that.
        assert!(answer(&send, "KMS.AccessDeniedException", "").is_some());
    }

    #[test]
    fn requests_about_several_tables_name_them_all() {
        let batch = asked("DynamoDB_20120810.BatchGetItem", r#"{"RequestItems": {"b": {}, "a": {}}}"#);
        assert_eq!(batch.resource(), "a`, `b");
        let items = r#"{"TransactItems": [{"Put": {"TableName": "c"}}, {"Update": {"TableName": "c"}}]}"#;
        assert_eq!(asked("DynamoDB_20120810.TransactWriteItems", items).resource(), "c");
    }

    #[test]
    fn bad_credentials_and_missing_indexes_are_told_and_ordinary_refusals_are_not() {
        let query = asked("DynamoDB_20120810.Query", r#"{"TableName": "kurir-messages"}"#);
        let text = answer(&query, "UnrecognizedClientException", "The security token is invalid").unwrap();
        assert!(text.contains("AWS_SECRET_ACCESS_KEY") && text.contains("AWS_REGION"), "{text}");
        let message = "The table does not have the specified index: outbox";
        assert!(
            answer(&query, "ValidationException", message)
                .unwrap()
                .contains("`kurir-messages` lacks an index")
        );
        for code in ["ConditionalCheckFailedException", "ThrottlingException", "ValidationException"] {
            assert_eq!(answer(&query, code, ""), None);
        }
    }

    #[test]
    fn what_could_not_be_asked_says_which_setting_is_missing() {
        let get = asked("DynamoDB_20120810.GetItem", "{}");
        let region = "ResolveEndpointError { message: \"Invalid Configuration: Missing Region\" }";
        assert_eq!(unanswered(region, None, NO_REGION), Some(Fault::NoRegion));
        let credentials =
            "CredentialsNotLoaded { source: Some(\"no providers in chain provided credentials\") }";
        assert_eq!(unanswered(credentials, None, "eu-west-1"), Some(Fault::NoCredentials));
        let fault = unanswered("ConnectorError { kind: Io }", Some(&get), "eu-wst-1").unwrap();
        assert!(!fault.lasts());
        let text = fault.to_string();
        assert!(text.contains("`dynamodb.eu-west-1.amazonaws.com` cannot be reached"), "{text}");
        assert!(text.contains("AWS_REGION (eu-wst-1)"), "{text}");
    }
}
