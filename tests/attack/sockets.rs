//! Somebody who opens connections and does nothing with them.

use std::{io, process::Stdio, time::Duration};

use serde_json::Value;
use tests::{Gateway, PATIENCE, Said, program, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// Longer than the gateway waits for anybody.
const GONE: Duration = Duration::from_secs(45);

async fn connect(gateway: &Gateway) -> TcpStream {
    TcpStream::connect(("127.0.0.1", gateway.port)).await.expect("the port takes connections")
}

/// All that comes until the other side closes; how long that took.
async fn until_closed(mut stream: TcpStream) -> (String, Duration) {
    let (began, mut said) = (Instant::now(), Vec::new());
    match timeout(GONE, stream.read_to_end(&mut said)).await.expect("the gateway closes it") {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    (String::from_utf8_lossy(&said).into_owned(), began.elapsed())
}

#[tokio::test]
async fn idle_and_dripping_connections_are_closed_and_event_streams_are_not() {
    let gateway = Gateway::start().await;
    let silent = connect(&gateway).await;
    let mut kept_alive = connect(&gateway).await;
    kept_alive.write_all(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut head = connect(&gateway).await;
    head.write_all(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\nx-drip: ").await.unwrap();
    let mut body = connect(&gateway).await;
    let begin = b"POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                  content-length: 1000\r\n\r\n{";
    body.write_all(begin).await.unwrap();
    let mut stream = gateway.admin.event_stream("/v1/events", None).await;

    let (mut head, mut head_out) = head.into_split();
    let (mut body, mut body_out) = body.into_split();
    let drip = tokio::spawn(async move {
        // A byte a second keeps neither of them.
        for _ in 0..GONE.as_secs() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let _gone = tokio::join!(head_out.write_all(b"x"), body_out.write_all(b" "));
        }
    });
    let read = async |half: &mut tokio::net::tcp::OwnedReadHalf| {
        let mut said = Vec::new();
        let _reset = timeout(GONE, half.read_to_end(&mut said)).await.expect("the gateway closes it");
        String::from_utf8_lossy(&said).into_owned()
    };
    let (silent, kept_alive, _head, body) =
        tokio::join!(until_closed(silent), until_closed(kept_alive), read(&mut head), read(&mut body));
    assert_eq!(silent.0, "");
    assert!(kept_alive.0.starts_with("HTTP/1.1 200"), "{kept_alive:?}");
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("\"body_late\""), "{body}");
    assert!(silent.1 > Duration::from_secs(10), "clients have time to begin: {silent:?}");
    drip.abort();

    let device = gateway.admin.device("after all that").await;
    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    let told = async {
        while let Some(said) = stream.next().await {
            if matches!(&said, Said::Event(kind, _) if kind == "device.status") {
                return;
            }
        }
        panic!("the stream was cut off");
    };
    timeout(PATIENCE, told).await.expect("the stream goes on");
}

#[tokio::test]
async fn more_connections_than_are_taken_are_told_so_and_the_rest_go_on() {
    let gateway = Gateway::start_with(&[("KURIR_MAX_CONNECTIONS", "20")]).await;
    // The gateway counts the test's own, too.
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(connect(&gateway).await);
    }
    let mut late = connect(&gateway).await;
    late.write_all(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let (answer, took) = until_closed(late).await;
    assert!(answer.starts_with("HTTP/1.1 503") && took < Duration::from_secs(5), "{answer} {took:?}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("application/problem+json") && head.contains("retry-after: 1"), "{head}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"too_many_connections".into(), &503.into()));

    // Whoever holds them loses them.
    within(GONE, "others are served again", async || {
        let mut next = connect(&gateway).await;
        let asked = b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        next.write_all(asked).await.ok()?;
        until_closed(next).await.0.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
    drop(idle);
}

#[tokio::test]
async fn the_soft_limit_of_open_files_is_raised_as_far_as_it_goes() {
    let data = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", "ulimit -S -n 256; exec \"$0\" --port 0 --wa-port 0 --data-dir \"$1\""])
        .arg(program("localstack"))
        .arg(data.path().join("data"))
        .env_remove("AWS_ENDPOINT_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", child.id().unwrap());
    within(PATIENCE, "the limit is raised", async || {
        let text = std::fs::read_to_string(&limits).ok()?;
        let line = text.lines().find(|line| line.starts_with("Max open files"))?;
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        let (soft, hard) = (numbers.next()?, numbers.next()?);
        (soft == hard.min(65_536)).then_some(())
    })
    .await;
    child.kill().await.unwrap();
}
