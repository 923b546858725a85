//! The `webhooks` function.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    functions::lambda::run(functions::routes::webhooks()).await
}
