//! The `events` function: event streams, behind a function URL that streams.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    functions::lambda::run_streaming(functions::routes::events()).await
}
