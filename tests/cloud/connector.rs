//! The connector beside the functions, with the rights that it has on ECS.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tests::{Gateway, PATIENCE, eventually, program, signals::signal};
use tokio::process::{Child, Command};

use crate::{
    ministack::{Ministack, REGION},
    stack::Stack,
};

/// A running connector. It is killed when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts one and waits until it is well.
    pub async fn start(
        ministack: &Ministack,
        stack: &Stack,
        outputs: &Value,
        sandbox: &Gateway,
        folder: &Path,
    ) -> Self {
        let log = folder.join("connector.log");
        let key = &outputs["connector_key"]["value"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let settings = [
            ("AWS_ENDPOINT_URL", ministack.url.clone()),
            ("AWS_ACCESS_KEY_ID", text(&key["id"])),
            ("AWS_SECRET_ACCESS_KEY", text(&key["secret"])),
            ("AWS_REGION", REGION.into()),
            ("KURIR_HEALTH_FILE", folder.join("heartbeat").display().to_string()),
            ("KURIR_MASTER_KEY", stack.master_key.clone()),
            ("KURIR_PREFIX", text(&outputs["prefix"]["value"])),
            ("KURIR_WA_URL", format!("ws://127.0.0.1:{}/ws/chat", sandbox.wa_port)),
        ];
        let command = |arguments: &[&str]| {
            let mut command = Command::new(program("connector"));
            command
                .args(arguments)
                .env_clear()
                .envs(settings.clone())
                .stdin(Stdio::null())
                .kill_on_drop(true);
            command
        };
        let child = command(&[]).stderr(File::create(&log).expect("a log file")).spawn().expect("it starts");
        let mut process = Self { child, log };
        eventually("the connector is well", async || {
            let ended = process.child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "the connector ended: {}", process.log());
            let check = command(&["--healthcheck"]).stderr(Stdio::null()).status().await.expect("it runs");
            check.success().then_some(())
        })
        .await;
        process
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Stops it as ECS does. It must have had all the rights that it needed.
    pub async fn stop(mut self) {
        assert!(signal(self.child.id().expect("it is running"), "TERM").await);
        let ended =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").expect("it ran");
        let log = self.log();
        assert!(ended.success(), "{log}");
        assert!(!log.contains("is not allowed") && !log.contains(" ERROR "), "{log}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the connector ---\n{}", self.log());
        }
    }
}
