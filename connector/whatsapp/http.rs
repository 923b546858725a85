//! The library's way to the web: closed for now.

use async_trait::async_trait;
use whatsapp_rust::{
    anyhow,
    http::{HttpClient, HttpRequest, HttpResponse},
};

/// Refuses every request. The library asks for media only, as the version it announces is given and
/// history is not fetched.
pub(super) struct NoHttp;

#[async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _request: HttpRequest) -> anyhow::Result<HttpResponse> {
        Err(anyhow::anyhow!("Kurir does not transfer media yet"))
    }
}
