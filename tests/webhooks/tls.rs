//! Receivers over TLS.

use std::{path::Path, process::Stdio};

use tempfile::TempDir;
use tests::{Gateway, eventually};
use tokio::process::{Child, Command};

use crate::try_out;

/// Takes every call over TLS with the certificate in its folder, and says on which port.
const SERVER: &str = r#"
import http.server, ssl, sys
class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
open("port.tmp", "w").write(str(server.server_port))
import os; os.rename("port.tmp", "port")
server.serve_forever()
"#;

/// A receiver with a certificate of its own making for `localhost`.
async fn server(folder: &Path) -> (Child, String) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.await.expect("openssl runs").success());
    let child = Command::new("python3")
        .args(["-c", SERVER])
        .current_dir(folder)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("python runs");
    let port = eventually("the receiver listens", async || std::fs::read_to_string(folder.join("port")).ok());
    let url = format!("https://localhost:{}/hook", port.await);
    (child, url)
}

#[tokio::test]
async fn a_certificate_that_the_system_trusts_is_enough_and_another_is_not() {
    let folder = TempDir::new().unwrap();
    let (_server, url) = server(folder.path()).await;
    let cert = folder.path().join("cert.pem");

    let strict = Gateway::start().await;
    let webhook = strict.admin.webhook(&url, &["*"]).await;
    try_out(&strict.admin, &webhook).await;
    let refused = strict.admin.tries(&webhook, 1).await.remove(0);
    assert!(refused["responseStatus"].is_null(), "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("certificate"), "{refused}");

    let trusting = Gateway::start_with(&[("SSL_CERT_FILE", cert.to_str().unwrap())]).await;
    let webhook = trusting.admin.webhook(&url, &["*"]).await;
    try_out(&trusting.admin, &webhook).await;
    let taken = trusting.admin.tries(&webhook, 1).await.remove(0);
    assert_eq!(taken["status"], "succeeded", "{taken}");
}
