//! A database of an earlier day is put back.

use std::path::{Path, PathBuf};

use tests::{Gateway, Phone};

/// More than a sending chain is reserved ahead, so that counters come again.
const MESSAGES: usize = 80;

/// The files of the embedded database.
fn database(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("dynamodb.sqlite")).collect()
}

fn copy(from: &Path, to: &Path) {
    database(to).iter().for_each(|file| std::fs::remove_file(file).unwrap());
    for file in database(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// How often a phone shows a text, and how many copies of it came.
async fn shown(phone: &Phone, text: &str) -> Vec<u64> {
    let messages = phone.messages().await;
    let found = messages.iter().filter(|m| m["direction"] == "incoming" && m["text"]["body"] == text);
    found.map(|message| message["copies"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn after_a_restore_sessions_are_forgotten_and_contacts_show_what_is_sent_once() {
    let mut gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let first = gateway.admin.send_text(&device, &budi.number, "before the backup").await;
    gateway.admin.message_becomes(&first, "delivered").await;
    assert!(gateway.terminate().await.success());
    let backup = tempfile::TempDir::new().unwrap();
    copy(&gateway.data_dir(), backup.path());

    let mut gateway = gateway.again().await;
    gateway.admin.device_becomes(&device, "connected").await;
    let mut last = first;
    for n in 0..MESSAGES {
        last = gateway.admin.send_text(&device, &budi.number, &format!("since the backup {n}")).await;
    }
    gateway.admin.message_becomes(&last, "delivered").await;
    let (done, said) = gateway.run(&["forget-sessions"], &[]).await;
    assert!(!done && said.contains("another Kurir uses the data folder"), "{said}");
    assert!(gateway.terminate().await.success());

    copy(backup.path(), &gateway.data_dir());
    let (done, said) =
        gateway.run(&["forget-sessions", "--device", "dev_01M7XV57GBZ89BFE1MY4WYHDM6"], &[]).await;
    assert!(!done && said.contains("there is no such device"), "{said}");
    let (done, said) = gateway.run(&["forget-sessions", "--device", &device], &[]).await;
    assert!(done && said.contains("sessions are forgotten (devices: 1, rows: "), "{said}");

    let gateway = gateway.again().await;
    let (ani, budi) = (gateway.same(&ani), gateway.same(&budi));
    gateway.admin.device_becomes(&device, "connected").await;
    for n in 0..3 {
        let text = format!("after the restore {n}");
        let message = gateway.admin.send_text(&device, &budi.number, &text).await;
        gateway.admin.message_becomes(&message, "delivered").await;
        assert_eq!(shown(&budi, &text).await, [1], "{text}");
    }
    budi.send_text(&ani.number, "I have it").await;
    gateway.admin.receives(&device, &budi.number, "I have it").await;
}
