//! DynamoDB's protocol in front of the embedded database. The database brings a server of its own, but that one
//! admits everybody.

use std::path::Path;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};

use super::EmbeddedError;

/// In front of the names of operations in `x-amz-target`.
const TARGET: &str = "DynamoDB_20120810.";

/// Opens the database in a file.
pub(super) fn open(file: &Path) -> Result<Database, EmbeddedError> {
    let name = file.display().to_string();
    let failed = |error: DynoxideError| EmbeddedError::Database(name.clone(), error.to_string());
    let db = Database::new(&name).map_err(failed)?;
    // The pair of calls leaves SQLite in WAL mode with `synchronous = NORMAL`: safe against the death of
    // this process, and several times as fast.
    db.enable_bulk_loading().map_err(failed)?;
    db.disable_bulk_loading().map_err(failed)?;
    Ok(db)
}

/// Answers requests.
pub(super) fn router(db: Database) -> Router {
    Router::new().route("/", post(answer)).with_state(db)
}

async fn answer(State(db): State<Database>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let (status, json) = match run(&db, target.strip_prefix(TARGET).unwrap_or_default(), &body) {
        Ok(json) => (StatusCode::OK, json),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, error.to_json())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], json).into_response()
}

/// What Kurir, its tests and its operator ask for.
fn run(db: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<String> {
    match operation {
        "BatchGetItem" => call(body, |asked| db.batch_get_item(asked)),
        "BatchWriteItem" => call(body, |asked| db.batch_write_item(asked)),
        "CreateTable" => call(body, |asked| db.create_table(asked)),
        "DeleteItem" => call(body, |asked| db.delete_item(asked)),
        "DeleteTable" => call(body, |asked| db.delete_table(asked)),
        "DescribeTable" => call(body, |asked| db.describe_table(asked)),
        "DescribeTimeToLive" => call(body, |asked| db.describe_time_to_live(asked)),
        "GetItem" => call(body, |asked| db.get_item(asked)),
        "ListTables" => call(body, |asked| db.list_tables(asked)),
        "PutItem" => call(body, |asked| db.put_item(asked)),
        "Query" => call(body, |asked| db.query(asked)),
        "Scan" => call(body, |asked| db.scan(asked)),
        "TransactGetItems" => call(body, |asked| db.transact_get_items(asked)),
        "TransactWriteItems" => call(body, |asked| db.transact_write_items(asked)),
        "UpdateItem" => call(body, |asked| db.update_item(asked)),
        "UpdateTable" => call(body, |asked| db.update_table(asked)),
        "UpdateTimeToLive" => call(body, |asked| db.update_time_to_live(asked)),
        other => Err(DynoxideError::UnsupportedCapability(format!("the embedded DynamoDB has no `{other}`"))),
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
