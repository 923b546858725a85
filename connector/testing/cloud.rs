//! DynamoDB and SQS behind the AWS SDK's clients, without a network between them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::{dispatch::SqsHandler, response::error_to_response, router::resolve_operation};
use serde::{Serialize, de::DeserializeOwned};

/// Both services, empty at first. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cloud(Arc<Inner>);

struct Inner {
    dynamodb: Database,
    sqs: RustackSqsHandler,
    away: AtomicBool,
    requests: AtomicUsize,
}

impl Cloud {
    pub(super) fn new() -> Self {
        let sqs = SqsConfig { host: "sqs.test".into(), port: 80, ..SqsConfig::default() };
        Self(Arc::new(Inner {
            dynamodb: Database::memory().expect("a database in memory"),
            sqs: RustackSqsHandler::new(Arc::new(RustackSqs::new(sqs))),
            away: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
        }))
    }

    /// Has every request fail from now on, or none.
    pub fn set_away(&self, away: bool) {
        self.0.away.store(away, Ordering::Relaxed);
    }

    /// How many requests were made since the last call.
    pub fn requests(&self) -> usize {
        self.0.requests.swap(0, Ordering::Relaxed)
    }

    pub(super) fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::other(error, None);
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.try_into_http1x().map_err(|error| failed(error.into()))?.into_parts();
        let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let answer = match target.and_then(|target| target.strip_prefix("DynamoDB_20120810.")) {
            _ if self.0.away.load(Ordering::Relaxed) => {
                let unavailable = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
                unavailable.body(SdkBody::empty()).expect("a status alone is a response")
            }
            Some(operation) => self.ask_dynamodb(operation, &body),
            None => {
                let answer = match resolve_operation(&head.headers) {
                    Ok(operation) => self.0.sqs.handle_operation(operation, body).await,
                    Err(error) => Err(error),
                };
                let answer = answer.unwrap_or_else(|error| error_to_response(&error, ""));
                let (head, body) = answer.into_parts();
                let body = body.collect().await.map_err(|error| failed(error.into()))?.to_bytes();
                Response::from_parts(head, SdkBody::from(body))
            }
        };
        HttpResponse::try_from(answer).map_err(|error| failed(error.into()))
    }

    fn ask_dynamodb(&self, operation: &str, body: &[u8]) -> Response<SdkBody> {
        let db = &self.0.dynamodb;
        let answer = match operation {
            "BatchGetItem" => call(body, |asked| db.batch_get_item(asked)),
            "BatchWriteItem" => call(body, |asked| db.batch_write_item(asked)),
            "CreateTable" => call(body, |asked| db.create_table(asked)),
            "DeleteItem" => call(body, |asked| db.delete_item(asked)),
            "DescribeTable" => call(body, |asked| db.describe_table(asked)),
            "DescribeTimeToLive" => call(body, |asked| db.describe_time_to_live(asked)),
            "GetItem" => call(body, |asked| db.get_item(asked)),
            "ListTables" => call(body, |asked| db.list_tables(asked)),
            "PutItem" => call(body, |asked| db.put_item(asked)),
            "Query" => call(body, |asked| db.query(asked)),
            "Scan" => call(body, |asked| db.scan(asked)),
            "TransactWriteItems" => call(body, |asked| db.transact_write_items(asked)),
            "UpdateItem" => call(body, |asked| db.update_item(asked)),
            "UpdateTimeToLive" => call(body, |asked| db.update_time_to_live(asked)),
            other => panic!("the test's DynamoDB has no {other}"),
        };
        let (status, json) = match answer {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        };
        Response::builder().status(status).body(SdkBody::from(json)).expect("a status and a body")
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    run: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let asked = serde_json::from_slice(body);
    let answer = run(asked.map_err(|error| DynoxideError::ValidationException(error.to_string()))?)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

impl HttpConnector for Cloud {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let cloud = self.clone();
        HttpConnectorFuture::new(async move { cloud.answer(request).await })
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cloud")
    }
}
