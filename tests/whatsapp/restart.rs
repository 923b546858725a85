//! A restart loses nothing: no link, no message in either direction.

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn after_a_kill_the_device_is_connected_again_without_a_scan() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let first = gateway.admin.send_text(&device, &budi.number, "before").await;
    gateway.admin.message_becomes(&first, "delivered").await;
    budi.send_text(&ani.number, "before, too").await;
    gateway.admin.receives(&device, &budi.number, "before, too").await;

    let gateway = gateway.kill_and_restart().await;
    let (ani, budi) = (gateway.same(&ani), gateway.same(&budi));
    let second = gateway.admin.send_text(&device, &budi.number, "after").await;
    gateway.admin.message_becomes(&second, "delivered").await;
    gateway.admin.device_becomes(&device, "connected").await;
    assert_eq!(budi.receives("after").await["copies"], 1);
    budi.send_text(&ani.number, "after, too").await;
    gateway.admin.receives(&device, &budi.number, "after, too").await;
    let links = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json["links"].clone();
    assert_eq!(links.as_array().unwrap().len(), 1);
    let stats = gateway.api.get("/sandbox/stats").await.expect(200).json;
    assert!(stats["handshakes"]["ik"].as_u64().unwrap() + stats["handshakes"]["xx"].as_u64().unwrap() >= 1);
}

#[tokio::test]
async fn what_was_queued_is_sent_and_what_was_sent_meanwhile_arrives_after_a_kill() {
    let mut gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    // With the device away, one message of each direction waits at its side.
    gateway.admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
    gateway.admin.device_becomes(&device, "disconnected").await;
    let queued = gateway.admin.send_text(&device, &budi.number, "queued").await;
    budi.send_text(&ani.number, "meanwhile").await;
    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    gateway.kill().await;

    let gateway = gateway.again().await;
    let budi = gateway.same(&budi);
    gateway.admin.device_becomes(&device, "connected").await;
    gateway.admin.receives(&device, &budi.number, "meanwhile").await;
    gateway.admin.message_becomes(&queued, "delivered").await;
    assert_eq!(budi.receives("queued").await["copies"], 1);
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_burst_loses_and_doubles_nothing() {
    let mut gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let mut messages = Vec::new();
    for n in 0..40 {
        messages.push(gateway.admin.send_text(&device, &budi.number, &format!("out {n}")).await);
        budi.send_text(&ani.number, &format!("in {n}")).await;
    }
    gateway.kill().await;
    let gateway = gateway.again().await;
    let budi = gateway.same(&budi);
    for message in &messages {
        gateway.admin.message_becomes(message, "delivered").await;
    }
    let received: Vec<_> =
        budi.messages().await.into_iter().filter(|m| m["direction"] == "incoming").collect();
    let texts: Vec<_> = received.iter().map(|m| m["text"]["body"].clone()).collect();
    let expected: Vec<_> = (0..40).map(|n| json!(format!("out {n}"))).collect();
    assert_eq!(texts, expected);

    gateway.admin.receives(&device, &budi.number, "in 39").await;
    let path = format!("/v1/devices/{device}/chats/{}/messages?limit=100", budi.number);
    let page = gateway.admin.get(&path).await.expect(200).json;
    let mut arrived: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["direction"] == "incoming")
        .map(|m| m["text"]["body"].as_str().unwrap()[3..].parse::<u32>().unwrap())
        .collect();
    arrived.sort_unstable();
    assert_eq!(arrived, (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_graceful_stop_keeps_the_link_too() {
    let mut gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let status = gateway.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
    let gateway = gateway.again().await;
    let budi = gateway.same(&budi);
    gateway.admin.device_becomes(&device, "connected").await;
    let message = gateway.admin.send_text(&device, &budi.number, "still here").await;
    gateway.admin.message_becomes(&message, "delivered").await;
}

/// Takes as long as the sweep lets a message wait before it counts as forgotten: over a minute.
#[tokio::test]
async fn what_the_queue_forgets_comes_back_from_the_outbox() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    gateway.admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
    gateway.admin.device_becomes(&device, "disconnected").await;
    let mut messages = Vec::new();
    for n in 0..5 {
        messages.push(gateway.admin.send_text(&device, &budi.number, &format!("number {n}")).await);
    }
    // One is in hand, the others are in the queue.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    gateway.purge_send_queues().await;
    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    gateway.admin.message_becomes(&messages[0], "delivered").await;
    let arrived = async {
        while budi.messages().await.len() < 5 {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(240), arrived).await.expect("they come back");
    for message in &messages {
        gateway.admin.message_becomes(message, "delivered").await;
    }
    assert!(budi.messages().await.iter().all(|message| message["copies"] == 1));
}
