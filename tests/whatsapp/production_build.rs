//! What production builds must not have.

use std::process::Command;

/// The crates of a package's build, each with its features.
fn tree(package: &str, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal", "--format", "{p} {f}", "--package", package])
        .args(more)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_production_connector_verifies_whatsapps_certificate_chain() {
    let switch = "danger-skip-cert-chain-verify";
    let production = tree("connector", &[]);
    assert!(production.contains("whatsapp-rust v0.7.0"), "{production}");
    assert!(!production.contains(switch));
    // The same look finds the switch where it is: in a sandbox build.
    assert!(tree("connector", &["--features", "sandbox"]).contains(switch));
}

#[test]
fn the_functions_do_not_link_what_carries_the_agpl() {
    for package in ["functions", "shared"] {
        let crates = tree(package, &[]);
        assert!(crates.contains("aws-sdk-dynamodb"), "{crates}");
        assert!(!crates.contains("wacore-libsignal"), "{package}");
    }
    assert!(tree("connector", &[]).contains("wacore-libsignal"));
}

#[test]
fn production_functions_and_cargo_live_send_no_webhooks_into_this_machine() {
    let functions = |tree: &str| {
        let line = tree.lines().find(|line| line.contains("functions v")).expect("the functions are there");
        line.rsplit(')').next().unwrap_or_default().to_owned()
    };
    for package in ["functions", "localstack"] {
        assert!(!functions(&tree(package, &[])).contains("sandbox"), "{package}");
        assert!(functions(&tree(package, &["--features", "sandbox"])).contains("sandbox"), "{package}");
    }
}
