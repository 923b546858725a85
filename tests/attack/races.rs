//! Who does the same several times at once.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Gateway;

#[tokio::test]
async fn of_thirty_requests_with_one_idempotency_key_one_is_counted() {
    for limit in [1, 100] {
        let folder = tempfile::tempdir().unwrap();
        let plans = folder.path().join("plans.toml");
        let text =
            format!("[basic]\nauditDays = 1\nrates.messages = [{{ limit = {limit}, per = \"month\" }}]\n");
        std::fs::write(&plans, text).unwrap();
        let gateway = Gateway::start_with(&[("KURIR_PLANS_FILE", plans.to_str().unwrap())]).await;
        let (ani, _) = gateway.api.register("ani@example.com").await;
        let device = ani.device("x").await;
        let path = format!("/v1/devices/{device}/messages");
        let send = async || {
            let body = json!({"to": "+6281234567890", "type": "text", "text": {"body": "once"}});
            ani.send(ani.request(Method::POST, &path).header("idempotency-key", "a").json(&body)).await
        };
        let answers = join_all((0..30).map(|_| send())).await;
        let accepted: Vec<&Value> =
            answers.iter().filter(|a| a.status == 202).map(|a| &a.json["id"]).collect();
        assert!(!accepted.is_empty() && accepted.iter().all(|id| *id == accepted[0]), "{accepted:?}");
        // With nothing left, one that is quicker than the first may have to come again.
        let others = answers.iter().filter(|a| a.status != 202 && !(limit == 1 && a.status == 429));
        assert_eq!(others.count(), 0);
        assert_eq!(send().await.expect(202).json["id"], *accepted[0]);
        let usage = ani.get("/v1/usage").await.expect(200).json;
        let limits = usage["limits"].as_array().unwrap();
        let used = limits.iter().find(|limit| limit["name"] == "messagesPerMonth").unwrap();
        assert_eq!(used["used"], 1, "{used}");
    }
}
