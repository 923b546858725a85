//! The stack of `infra/`, deployed by Terraform with `local.tfvars`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::time::Instant;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tests::program;
use tokio::process::Command;

use crate::{
    ministack::{Ministack, REGION},
    tools::{Tools, here},
};

/// Far more than an apply takes. One hung for ever once, on a conflict that ministack answered.
const APPLY: Duration = Duration::from_secs(150);

const DESTROY: Duration = Duration::from_secs(120);

/// A copy of `infra/` with a state of its own.
pub struct Stack {
    folder: PathBuf,
    terraform: PathBuf,
    /// `KURIR_MASTER_KEY` of this deployment.
    pub master_key: String,
}

/// The first administrator, whom the scheduler makes.
pub const ADMIN: (&str, &str) = ("boss@example.com", "a long password");

impl Stack {
    /// Copies the Terraform beside the packages of the functions.
    pub fn prepare(tools: &Tools, folder: &Path, url: &str) -> Self {
        let infra = folder.join("infra");
        fs::create_dir_all(&infra).expect("a folder");
        let files = here().join("../infra").read_dir().expect("the folder infra").flatten();
        for file in files.map(|entry| entry.path()).chain([here().join("cloud/connector_user.tf")]) {
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if ["tf", "json", "tfvars"].contains(&ending) {
                fs::copy(&file, infra.join(file.file_name().expect("a name"))).expect("it is copied");
            }
        }
        if let Some(mirror) = &tools.mirror {
            let mirror = format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
                mirror.display()
            );
            fs::write(folder.join("terraform.rc"), mirror).expect("it is written");
        }
        let environment = serde_json::json!({
            "KURIR_ALLOW_HTTP_URLS": "1",
            "KURIR_WEBHOOK_RETRY_SCALE": "0.01",
        });
        let variables = serde_json::json!({
            "endpoint_url": url,
            "region": REGION,
            "package": folder.join("packages/{function}/bootstrap.zip"),
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" },
            "function_environment": environment,
        });
        fs::write(infra.join("lane.tfvars.json"), variables.to_string()).expect("it is written");
        let master_key = STANDARD.encode(rand::random::<[u8; 32]>());
        Self { folder: folder.to_owned(), terraform: tools.terraform.clone(), master_key }
    }

    /// Makes everything.
    ///
    /// # Errors
    /// What Terraform says, or that it takes too long.
    pub async fn apply(&self) -> Result<(), String> {
        self.run(&["init", "-input=false", "-no-color"], APPLY).await?;
        self.change("apply", APPLY).await
    }

    /// Takes everything away.
    ///
    /// # Errors
    /// What Terraform says, or that it takes too long.
    pub async fn destroy(&self) -> Result<(), String> {
        self.change("destroy", DESTROY).await
    }

    async fn change(&self, what: &str, patience: Duration) -> Result<(), String> {
        // The later file wins.
        let variables = ["-var-file=local.tfvars", "-var-file=lane.tfvars.json"];
        let how = [what, "-auto-approve", "-input=false", "-no-color", "-parallelism=16"];
        self.run(&[&how[..], &variables].concat(), patience).await.map(drop)
    }

    /// What a person needs next.
    pub async fn outputs(&self) -> Value {
        let text = self.run(&["output", "-json", "-no-color"], APPLY).await.expect("outputs");
        serde_json::from_str(&text).expect("JSON")
    }

    async fn run(&self, arguments: &[&str], patience: Duration) -> Result<String, String> {
        let mut command = Command::new(&self.terraform);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("TF_") || name.starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        let config = self.folder.join("terraform.rc");
        if config.exists() {
            command.env("TF_CLI_CONFIG_FILE", config);
        }
        let began = Instant::now();
        let output = command
            .args(arguments)
            .current_dir(self.folder.join("infra"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_VAR_master_key", &self.master_key)
            .env("TF_VAR_admin_email", ADMIN.0)
            .env("TF_VAR_admin_password", ADMIN.1)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(patience, output)
            .await
            .map_err(|_| format!("terraform {} takes longer than {patience:?}", arguments[0]))?
            .map_err(|error| error.to_string())?;
        println!("terraform {}: {:.0?}", arguments[0], began.elapsed());
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!(
                "terraform {}:\n{}\n{}",
                arguments[0],
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }
}

/// Packs the functions: those that `KURIR_LAMBDA_PACKAGES` has (`infra/package` makes them in `target/lambda`), or
/// else the programs that were built for the tests.
pub async fn pack(tools: &Tools, folder: &Path) {
    let packages = folder.join("packages");
    let definitions = fs::read_to_string(here().join("../infra/functions.json")).expect("functions.json");
    let definitions: Value = serde_json::from_str(&definitions).expect("JSON");
    let names = definitions["functions"].as_array().expect("functions").iter();
    let names: Vec<&str> = names.map(|function| function["name"].as_str().expect("a name")).collect();
    if let Some(made) = std::env::var_os("KURIR_LAMBDA_PACKAGES").map(PathBuf::from) {
        for name in names {
            let target = packages.join(name);
            fs::create_dir_all(&target).expect("a folder");
            let made = made.join(name).join("bootstrap.zip");
            fs::copy(&made, target.join("bootstrap.zip"))
                .unwrap_or_else(|e| panic!("{}: {e}", made.display()));
        }
        return;
    }
    let built = program(names[0]);
    let packing = Command::new(&tools.python)
        .arg(here().join("cloud/pack.py"))
        .arg(built.parent().expect("a folder"))
        .arg(&packages)
        .args(&names)
        .kill_on_drop(true)
        .status();
    assert!(packing.await.expect("it runs").success(), "the functions are not packed");
}

/// Starts ministack and deploys to it. A first try that fails begins anew with another ministack.
pub async fn deploy(tools: &Tools, folder: &Path) -> (Ministack, Stack) {
    let mut failed = String::new();
    for attempt in 1..=2 {
        let folder_of_try = folder.join(format!("try-{attempt}"));
        fs::create_dir_all(&folder_of_try).expect("a folder");
        let ministack = Ministack::start(tools, &folder_of_try).await;
        let stack = Stack::prepare(tools, folder, &ministack.url);
        match stack.apply().await {
            Ok(()) => return (ministack, stack),
            Err(error) => {
                eprintln!("deploying failed, try {attempt}: {error}\n{}", tail(&ministack.log()));
                failed = error;
                ministack.stop().await;
                fs::remove_dir_all(folder.join("infra")).expect("it can be removed");
            }
        }
    }
    panic!("the stack cannot be deployed: {failed}");
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
