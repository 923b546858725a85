//! A tenant of the gateway, who may have webhooks call whatever the gateway can reach.

use serde_json::json;
use tests::{Endpoints, Gateway};

#[tokio::test]
async fn webhooks_lead_to_none_of_the_gateways_own_ports() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let services = Endpoints::of(&gateway);
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    for port in [gateway.port, gateway.wa_port, port(&services.dynamodb), port(&services.sqs)] {
        for host in ["127.0.0.1", "localhost", "[::1]", "127.1", "[::ffff:127.0.0.1]"] {
            let hook = json!({"url": format!("http://{host}:{port}/"), "events": ["*"]});
            let answer = ani.post("/v1/webhooks", hook).await;
            let field = answer.expect(422).json["errors"][0].clone();
            assert_eq!(field["field"], "url", "{host}:{port}");
        }
    }
}

#[tokio::test]
async fn a_webhooks_headers_cannot_make_it_a_request_to_aws() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let hook = json!({
        "url": "https://example.com/",
        "events": ["*"],
        "headers": {"X-Amz-Target": "DynamoDB_20120810.Scan"},
    });
    ani.post("/v1/webhooks", hook).await.expect(422).naming("headers.X-Amz-Target", "header_reserved");
}
