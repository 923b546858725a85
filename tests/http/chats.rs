//! `/v1/devices/{id}/chats`: their order, and what it costs.

use serde_json::{Value, json};
use tests::{Api, Aws, Gateway};

fn number(n: usize) -> String {
    format!("62812345678{n:02}")
}

/// The chats of a device, page by page.
async fn chats(caller: &Api, device: &str, limit: usize) -> Vec<String> {
    let first = format!("/v1/devices/{device}/chats?limit={limit}");
    let (mut found, mut next) = (Vec::new(), first.clone());
    loop {
        let page = caller.get(&next).await.expect(200).json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        found.extend(items.iter().map(|chat| chat["chat"].as_str().unwrap().to_owned()));
        match &page["nextCursor"] {
            Value::String(cursor) => next = format!("{first}&cursor={cursor}"),
            _ => return found,
        }
    }
}

#[tokio::test]
async fn chats_of_several_days_are_listed_with_the_newest_message_first() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    for n in 0..9 {
        gateway.admin.send_text(&device, &format!("+{}", number(n)), "Hello").await;
    }
    let jid = |n: usize| format!("{}@s.whatsapp.net", number(n));
    let newest_first: Vec<_> = (0..9).rev().map(jid).collect();
    for limit in [1, 2, 9, 100] {
        assert_eq!(chats(&gateway.admin, &device, limit).await, newest_first, "{limit} a page");
    }
    // Three a day, the lower numbers later on their day: 8 7 6 were on the second, 5 4 3 on the day before.
    for mut row in gateway.dump("chats").await.as_array().unwrap().clone() {
        let jid = row["chat"]["S"].as_str().unwrap().to_owned();
        let n = (0..9).find(|n| jid.starts_with(&number(*n))).unwrap();
        let day = format!("2026-02-{:02}", 1 + n / 3);
        row["lastMessageAt"] = json!({"S": format!("{day}T{:02}:00:00.000Z", 20 - n)});
        row["activity"] = json!({"S": format!("{day}#{jid}")});
        gateway.put_row("chats", &row).await;
    }
    let by_day: Vec<_> = [6, 7, 8, 3, 4, 5, 0, 1, 2].map(jid).into();
    for limit in [1, 2, 3, 4, 9, 100] {
        assert_eq!(chats(&gateway.admin, &device, limit).await, by_day, "{limit} a page");
    }
    // One that is spoken in again moves to the front, and is not shown twice.
    gateway.admin.send_text(&device, &format!("+{}", number(4)), "Again").await;
    let moved: Vec<_> = [4, 6, 7, 8, 3, 5, 0, 1, 2].map(jid).into();
    assert_eq!(chats(&gateway.admin, &device, 2).await, moved);
}

#[tokio::test]
async fn a_further_message_of_the_day_is_no_write_to_the_index_of_chats() {
    let aws = Aws::start(0).await;
    aws.proxy.count_units(true);
    let gateway = aws.gateway(&[]).await;
    let device = gateway.admin.device("x").await;
    gateway.admin.send_text(&device, "+6281234567890", "first").await;
    aws.proxy.reset();
    for n in 0..5 {
        gateway.admin.send_text(&device, "+6281234567890", &format!("number {n}")).await;
    }
    let counts = aws.proxy.counts();
    let written =
        |index: &str| counts.units.get(&("kurir-chats".into(), index.into())).map(|units| units.write);
    assert_eq!((written(""), written("by-day")), (Some(5.0), None), "{:?}", counts.units);
}
