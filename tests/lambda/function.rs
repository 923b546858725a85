//! A built function, running as a process as Lambda would run it.

use std::{
    fs::File,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use tempfile::TempDir;
use tests::{Answer, Endpoints, Gateway, PATIENCE, program};
use tokio::process::{Child, Command};

use crate::{event::Event, runtime_api::RuntimeApi};

/// A function at work. It is killed when dropped.
pub struct Function {
    name: &'static str,
    child: Child,
    api: RuntimeApi,
    folder: TempDir,
}

impl Function {
    /// Starts one that shares its store, its queues and its keys with a running gateway.
    pub async fn start(name: &'static str, gateway: &Gateway) -> Self {
        Self::start_with(name, gateway, &[]).await
    }

    /// The same with more settings, or others.
    pub async fn start_with(name: &'static str, gateway: &Gateway, more: &[(&str, &str)]) -> Self {
        let read = |file: &str| {
            let path = gateway.data_dir().join(file);
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        let (services, key) = (Endpoints::of(gateway), read("master.key"));
        let mut settings = services.settings().to_vec();
        settings.extend([("KURIR_MASTER_KEY", key.trim()), ("KURIR_PREFIX", crate::PREFIX)]);
        settings.extend_from_slice(more);
        Self::launch(name, &settings).await
    }

    /// Starts one with these settings, and besides them only what Lambda sets.
    pub async fn launch(name: &'static str, settings: &[(&str, &str)]) -> Self {
        let (api, folder) = (RuntimeApi::start().await, TempDir::new().expect("a temporary folder"));
        let log = File::create(folder.path().join("log")).expect("a log file");
        let child = Command::new(program(name))
            .env_clear()
            .envs([
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_rust"),
                ("AWS_LAMBDA_FUNCTION_NAME", name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/kurir"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/03/12/[$LATEST]53995c3f42cd8ad8"),
                ("AWS_LAMBDA_RUNTIME_API", &api.address),
                ("LANG", "en_US.UTF-8"),
                ("TZ", ":UTC"),
                ("_HANDLER", "bootstrap"),
            ])
            .envs(settings.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        Self { name, child, api, folder }
    }

    /// Gives it an event that is no request of API Gateway; its answer.
    pub async fn give(&mut self, event: Value) -> Value {
        tokio::select! {
            answer = self.api.invoke(event) => answer,
            ended = self.child.wait() => panic!("{} ended with {ended:?}", self.name),
        }
    }

    /// Gives it an event that it may work on for so long; its answer, which streams.
    pub async fn stream(&mut self, event: &Event, limit: Duration) -> Value {
        tokio::select! {
            answer = self.api.invoke_for(event.payload(), limit) => answer,
            ended = self.child.wait() => panic!("{} ended with {ended:?}", self.name),
        }
    }

    /// Gives it an event; its answer as Lambda gets it, after checking that it has the form that API
    /// Gateway wants.
    pub async fn invoke(&mut self, event: &Event) -> Value {
        let answer = tokio::select! {
            answer = self.api.invoke(event.payload()) => answer,
            ended = self.child.wait() => panic!("{} ended with {ended:?} at {}", self.name, event.name()),
        };
        assert!(answer["statusCode"].is_u64(), "{answer}");
        assert!(answer["isBase64Encoded"].is_boolean(), "{answer}");
        let headers = answer["headers"].as_object().expect("an object of headers");
        assert!(headers.values().all(Value::is_string), "{answer}");
        assert!(answer["body"].is_string() || answer["body"].is_null(), "{answer}");
        answer
    }

    /// Gives it an event; its answer as API Gateway passes it on.
    pub async fn call(&mut self, event: &Event) -> Answer {
        let answer = self.invoke(event).await;
        let body = answer["body"].as_str().unwrap_or_default();
        let bytes = match answer["isBase64Encoded"].as_bool() {
            Some(true) => STANDARD.decode(body).expect("a body in base64"),
            _ => body.as_bytes().to_vec(),
        };
        let headers = answer["headers"].as_object().expect("headers").iter().map(|(name, value)| {
            let name = HeaderName::try_from(name).expect("the name of a header");
            (name, value.as_str().and_then(|value| value.parse().ok()).expect("the value of a header"))
        });
        Answer {
            request: format!("{} at {}", event.name(), self.name),
            status: answer["statusCode"].as_u64().and_then(|code| code.try_into().ok()).expect("a status"),
            headers: HeaderMap::from_iter(headers),
            json: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            bytes,
        }
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").expect("it was running")
    }

    /// Ends it as Lambda ends an environment: SIGTERM. It must go at once and without complaint.
    pub async fn stop(mut self) {
        let id = self.child.id().expect("it is running").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs").success());
        let status = self.ended().await;
        assert!(status.success() || status.signal() == Some(15), "{} ended with {status}", self.name);
        let log = self.log();
        assert!(!log.contains("panicked") && !log.contains("ERROR"), "{} complained:\n{log}", self.name);
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {} ---\n{}", self.name, self.log());
        }
    }
}
