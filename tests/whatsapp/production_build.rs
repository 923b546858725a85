//! What a production build of the connector must not have.

use std::process::Command;

#[test]
fn a_production_connector_verifies_whatsapps_certificate_chain() {
    let features = |args: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--edges", "normal", "--format", "{p} {f}", "--package", "connector"])
            .args(args)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let switch = "danger-skip-cert-chain-verify";
    let production = features(&[]);
    assert!(production.contains("whatsapp-rust v0.7.0"), "{production}");
    assert!(!production.contains(switch));
    // The same look finds the switch where it is: in a sandbox build.
    assert!(features(&["--features", "sandbox"]).contains(switch));
}
