//! A client of the REST API that keeps what it is told.

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use shared::services::ErrorCode;

use crate::{described::is_declared, eventually, http_client};

/// The API as one caller sees it.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    credentials: Option<(&'static str, String)>,
    host: Option<String>,
    /// The tenant that is acted in, when it is not the caller's own.
    tenant: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request, for messages.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Api {
    /// The API at a base address, without credentials.
    pub fn new(base: &str) -> Self {
        Self { http: http_client(), base: base.to_owned(), credentials: None, host: None, tenant: None }
    }

    /// The same API for the owner of a key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { credentials: Some(("x-api-key", key.to_owned())), ..self.clone() }
    }

    /// The same API for the owner of an access token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { credentials: Some(("authorization", format!("Bearer {token}"))), ..self.clone() }
    }

    /// The same API under another name than its address has.
    #[must_use]
    pub fn with_host(&self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self.clone() }
    }

    /// The same API for an administrator who acts in a tenant.
    #[must_use]
    pub fn acting_in(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self.clone() }
    }

    /// A request to be sent with [`Api::send`], for what the shorthands do not do.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = match &self.host {
            Some(host) => request.header("host", host),
            None => request,
        };
        let request = match &self.tenant {
            Some(tenant) => request.header("kurir-tenant", tenant),
            None => request,
        };
        match &self.credentials {
            Some((name, value)) => request.header(*name, value),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Sends a request that may get no answer.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let request = request.build()?;
        let name = format!("{} {}", request.method(), request.url().path());
        let response = self.http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { request: name, status, headers, bytes, json })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// A POST without body.
    pub async fn call(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Registers somebody new, who logs in, and acts as it from then on.
    pub async fn register(&self, email: &str) -> (Self, Value) {
        let body = json!({"email": email, "password": "correct horse", "name": "Ani"});
        self.post("/v1/auth/register", body).await.expect(202);
        self.log_in(email).await
    }

    /// Gives an account's tenant another plan, as an administrator.
    pub async fn plan(&self, account: &Value, plan: &str) {
        self.patch(&Self::tenant_path(account), json!({"plan": plan})).await.expect(200);
    }

    /// Where an administrator finds an account's tenant.
    pub fn tenant_path(account: &Value) -> String {
        format!("/v1/admin/tenants/{}", account["tenantId"].as_str().unwrap())
    }

    /// Adds a member with a role to the caller's tenant, who logs in.
    pub async fn member(&self, anybody: &Self, email: &str, role: &str) -> (Self, Value) {
        let body = json!({"email": email, "password": "correct horse", "name": "Member", "role": role});
        self.post("/v1/members", body).await.expect(201);
        anybody.log_in(email).await
    }

    /// Logs in with the password that everybody has; acts as that account from then on.
    pub async fn log_in(&self, email: &str) -> (Self, Value) {
        let login = json!({"email": email, "password": "correct horse"});
        let session = self.post("/v1/auth/login", login).await.expect(200).json;
        (self.with_token(session["accessToken"].as_str().unwrap()), session)
    }

    /// Makes a device that sends without pauses and limits; its id.
    pub async fn device(&self, name: &str) -> String {
        let names = ["minDelayMs", "maxDelayMs", "perMinute", "perHour", "perRecipientPerHour"];
        let pacing = Value::from_iter(names.map(|name| (name, 0)));
        let answer = self.post("/v1/devices", json!({"name": name, "pacing": pacing})).await.expect(201);
        answer.json["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a device has a status; the device.
    pub async fn device_becomes(&self, device: &str, status: &str) -> Value {
        let path = format!("/v1/devices/{device}");
        let mut last = Value::Null;
        let found = eventually(format!("{device} becomes {status}"), async || {
            last = self.get(&path).await.expect(200).json;
            (last["status"] == status).then(|| last.clone())
        });
        found.await
    }

    /// Makes a webhook that wants these events; the webhook with its secret.
    pub async fn webhook(&self, url: &str, events: &[&str]) -> Value {
        self.post("/v1/webhooks", json!({"url": url, "events": events})).await.expect(201).json
    }

    /// Waits until the log of a webhook's deliveries has so many tries; all of them, newest delivery first.
    pub async fn tries(&self, webhook: &Value, count: usize) -> Vec<Value> {
        let path = format!("/v1/webhooks/{}/deliveries?limit=100", webhook["id"].as_str().unwrap());
        eventually(format!("{count} tries in the log"), async || {
            let items = self.get(&path).await.expect(200).json["items"].as_array().unwrap().clone();
            (items.len() >= count).then_some(items)
        })
        .await
    }

    /// Asks for a socket and waits for a QR text.
    pub async fn qr(&self, device: &str) -> String {
        self.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
        let path = format!("/v1/devices/{device}/qr");
        let qr = eventually("a QR code", async || {
            let answer = self.get(&path).await;
            (answer.status == 200).then_some(answer.json)
        });
        qr.await["qr"].as_str().unwrap().to_owned()
    }

    /// Asks for a code to type on a phone, and waits for it.
    pub async fn pairing_code(&self, device: &str, wish: Value) -> String {
        let answer = self.post(&format!("/v1/devices/{device}/pairing-code"), wish).await;
        let code = if answer.status == 202 {
            let path = format!("/v1/commands/{}", answer.json["commandId"].as_str().unwrap());
            eventually("a pairing code", async || {
                let command = self.get(&path).await.expect(200).json;
                (command["status"] == "done").then(|| command["result"]["code"].clone())
            })
            .await
        } else {
            answer.expect(200).json["code"].clone()
        };
        code.as_str().expect("a code").to_owned()
    }

    /// Accepts a text to be sent; the message.
    pub async fn send_text(&self, device: &str, to: &str, text: &str) -> Value {
        let body = json!({"to": to, "type": "text", "text": {"body": text}});
        self.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202).json
    }

    /// Waits until a message has a status; the message.
    pub async fn message_becomes(&self, message: &Value, status: &str) -> Value {
        let (device, id) = (message["deviceId"].as_str().unwrap(), message["id"].as_str().unwrap());
        let path = format!("/v1/devices/{device}/messages/{id}");
        let found = eventually(format!("{id} becomes {status}"), async || {
            let now = self.get(&path).await.expect(200).json;
            (now["status"] == status).then_some(now)
        });
        found.await
    }

    /// Waits until a chat holds an incoming text; the message.
    pub async fn receives(&self, device: &str, chat: &str, text: &str) -> Value {
        let path = format!("/v1/devices/{device}/chats/{chat}/messages");
        let found = eventually(format!("{text:?} arrives from {chat}"), async || {
            let page = self.get(&path).await.expect(200).json;
            let items = page["items"].as_array().unwrap();
            items.iter().find(|m| m["direction"] == "incoming" && m["text"]["body"] == text).cloned()
        });
        found.await
    }
}

impl Answer {
    /// The answer, if it has this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status, status, "{} answered {body}", self.request);
        self
    }

    /// Checks that this is the documented problem body with a status and code.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        let json = &answer.json;
        let kind = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
        assert_eq!(kind, Some("application/problem+json"), "{}: {json}", answer.request);
        assert_eq!(json["code"], code, "{}: {json}", answer.request);
        assert_eq!(json["status"], status, "{}: {json}", answer.request);
        for name in ["type", "title", "detail", "requestId"] {
            assert!(json[name].as_str().is_some_and(|text| !text.is_empty()), "{name} of {json}");
        }
        let id = answer.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        assert_eq!(json["requestId"].as_str(), id);
        // What stands in front of the API has codes of its own.
        if ErrorCode::ALL.iter().any(|known| known.as_str() == code) {
            let (method, path) = answer.request.split_once(' ').expect("a method and a path");
            assert!(is_declared(method, path, status, code), "{} does not declare {code}", answer.request);
        }
        answer
    }

    /// Checks that a problem body names a field with a code.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn naming(self, field: &str, code: &str) -> Self {
        let errors = self.json["errors"].as_array().cloned().unwrap_or_default();
        let named = errors.iter().any(|e| e["field"] == field && e["code"] == code);
        assert!(named, "{} does not name {field} as {code}: {}", self.request, self.json);
        self
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
