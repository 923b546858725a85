//! What API Gateway hands to a function: events of an HTTP API, payload format 2.0.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// A request on its way through API Gateway.
#[derive(Debug, Clone)]
pub struct Event {
    method: &'static str,
    path: String,
    query: String,
    headers: Map<String, Value>,
    body: Option<String>,
    is_base64: bool,
}

impl Event {
    /// A request without body, as a browser on the internet makes it.
    pub fn new(method: &'static str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let event = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Map::new(),
            body: None,
            is_base64: false,
        };
        event
            .header("accept", "*/*")
            .header("accept-encoding", "gzip, deflate, br")
            .header("content-length", "0")
            .header("host", "abcdef1234.execute-api.ap-southeast-3.amazonaws.com")
            .header("user-agent", "integrator/1.0")
            .header("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678")
            .header("x-forwarded-for", "203.0.113.7")
            .header("x-forwarded-port", "443")
            .header("x-forwarded-proto", "https")
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).text(&body.to_string())
    }

    /// API Gateway writes the names of headers in small letters.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// The credentials of an access token.
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A body that claims to be JSON.
    pub fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", "application/json").header("content-length", &body.len().to_string())
    }

    /// The same request with its body in base64, as API Gateway gives what it does not know to be text.
    pub fn in_base64(mut self) -> Self {
        self.body = self.body.map(|body| STANDARD.encode(body));
        self.is_base64 = true;
        self
    }

    /// Method and path, for messages.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The JSON that the function gets.
    pub fn payload(&self) -> Value {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "ANY /v1/{proxy+}",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": self.headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abcdef1234",
                "domainName": "abcdef1234.execute-api.ap-southeast-3.amazonaws.com",
                "domainPrefix": "abcdef1234",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "integrator/1.0",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "ANY /v1/{proxy+}",
                "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1_773_342_238_000_u64,
            },
            "pathParameters": {"proxy": self.path.trim_start_matches("/v1/")},
            "isBase64Encoded": self.is_base64,
        });
        // Absent, not null, when there are none.
        if let Some(body) = &self.body {
            event["body"] = body.as_str().into();
        }
        if !self.query.is_empty() {
            let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
            let pairs = pairs.map(|(name, value)| (name.to_owned(), Value::from(value)));
            event["queryStringParameters"] = Value::Object(pairs.collect());
        }
        event
    }
}
