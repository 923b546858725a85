//! `/v1/health`

use tests::Gateway;

#[tokio::test]
async fn health_is_public_and_tells_operators_more() {
    let gateway = Gateway::start().await;
    let public = gateway.api.get("/v1/health").await.expect(200).json;
    assert_eq!(public["status"], "healthy");
    assert!(public["version"].is_string());
    assert!(public.get("dependencies").is_none());
    let (ani, _) = gateway.api.register("ani@example.com").await;
    assert!(ani.get("/v1/health").await.expect(200).json.get("dependencies").is_none());
    let full = gateway.admin.get("/v1/health").await.expect(200).json;
    assert_eq!(full["dependencies"]["dynamodb"], "up");
    assert_eq!(full["dependencies"]["sqs"], "up");
}
