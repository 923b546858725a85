//! Many event streams on one gateway: how much memory they take, and how long an event takes to reach them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use shared::{
    config::Config,
    crypto::MasterKey,
    domain::{
        event::{EventType, NewEvent},
        ids::{DeviceId, TenantId},
    },
    services::Context,
};
use tests::{Endpoints, Gateway, signals};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use crate::{
    report::{Table, percentile},
    sizes::Sizes,
};

/// How many streams each tenant has: as many as it may.
const PER_TENANT: usize = 100;

/// How long events are sent for each row of the table.
const SPAN: Duration = Duration::from_secs(20);

/// How long the streams are left alone before their memory is looked at.
const SETTLING: Duration = Duration::from_secs(5);

/// What comes with each event, so that it is about as long as a message's.
const FILLER: usize = 400;

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "0")]).await;
    let began = Instant::now();
    let (delays, mut arrived) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicU64::default());
    let (mut tenants, mut owners) = (Vec::new(), Vec::new());
    for number in 0..sizes.streams.div_ceil(PER_TENANT) {
        let (owner, session) = gateway.api.register(&format!("tenant{number}@example.com")).await;
        gateway.admin.plan(&session["account"], "enterprise").await;
        let id = session["account"]["tenantId"].as_str().and_then(|id| id.parse::<TenantId>().ok());
        tenants.push(id.expect("an id"));
        owners.push(owner);
    }
    // Hashing passwords takes memory, too.
    tokio::time::sleep(SETTLING).await;
    let before = signals::resident_kib(gateway.pid());
    let mut clients = JoinSet::new();
    for number in 0..sizes.streams {
        let owner = &owners[number / PER_TENANT];
        let response = owner.request(Method::GET, "/v1/events").send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        clients.spawn(listen(response, began, delays.clone(), count.clone()));
    }
    tokio::time::sleep(SETTLING).await;
    let open = signals::resident_kib(gateway.pid());
    let ctx = context(&gateway).await;
    let mut table = Table::new(&[
        "events/s",
        "delivered/s",
        "p50, ms",
        "p99, ms",
        "longest, ms",
        "CPU of the gateway, cores",
        "resident, MiB",
    ]);
    for rate in &sizes.event_rates {
        let (cpu, at) = (signals::cpu_seconds(gateway.pid()), Instant::now());
        let sent = send(&ctx, &tenants, *rate, began).await;
        let expected = sent * sizes.streams as u64 / tenants.len() as u64;
        tests::eventually(format!("{expected} deliveries"), async || {
            (count.load(Ordering::Relaxed) >= expected).then_some(())
        })
        .await;
        let seconds = at.elapsed().as_secs_f64();
        let cores = (signals::cpu_seconds(gateway.pid()) - cpu) / seconds;
        assert_eq!(count.swap(0, Ordering::Relaxed), expected, "nothing twice");
        let mut delays = Vec::new();
        while let Ok(delay) = arrived.try_recv() {
            delays.push(delay);
        }
        let resident = signals::resident_kib(gateway.pid());
        println!("{rate}/s: {expected} deliveries, p99 {:.0} ms", percentile(&mut delays, 0.99));
        let ms = |share, delays: &mut Vec<f64>| format!("{:.0}", percentile(delays, share));
        table.row(&[
            rate.to_string(),
            format!("{:.0}", expected as f64 / SPAN.as_secs_f64()),
            ms(0.5, &mut delays),
            ms(0.99, &mut delays),
            ms(1.0, &mut delays),
            format!("{cores:.2}"),
            format!("{:.0}", resident as f64 / 1024.0),
        ]);
    }
    assert!(clients.try_join_next().is_none(), "no stream was cut off");
    vec![
        format!(
            "{} streams of {} tenants on one gateway, which also has the store, the queue and the consumer; the clients \
             are one process on the same machine. Open and silent, a stream takes {:.0} KiB of the gateway ({:.0} MiB \
             before, {:.0} MiB with all). Then events are put into the queue, evenly among the tenants: from there to \
             each client.",
            sizes.streams,
            tenants.len(),
            (open.saturating_sub(before)) as f64 / sizes.streams as f64,
            before as f64 / 1024.0,
            open as f64 / 1024.0,
        ),
        table.text(),
    ]
}

/// The store and the queues of a gateway, for this process.
async fn context(gateway: &Gateway) -> Context {
    let config =
        Config::with(Endpoints::of(gateway).config(), MasterKey::generate()).expect("nothing is set");
    Context::new(&config).await.expect("a context")
}

/// Sends events at a rate for a while; how many.
async fn send(ctx: &Context, tenants: &[TenantId], rate: usize, began: Instant) -> u64 {
    let (start, device) = (Instant::now(), DeviceId::generate(ctx.now()));
    let mut sending = JoinSet::new();
    let count = rate * SPAN.as_secs() as usize;
    for n in 0..count {
        tokio::time::sleep_until(start + SPAN.mul_f64(n as f64 / count as f64)).await;
        let (emitter, tenant, now) = (ctx.emitter.clone(), tenants[n % tenants.len()], ctx.now());
        let data = json!({"sentUs": began.elapsed().as_micros() as u64, "filler": "x".repeat(FILLER)});
        let event = NewEvent::new(EventType::MessageReceived, now, device, data);
        sending.spawn(async move { emitter.emit(tenant, [event]).await });
    }
    sending.join_all().await;
    count as u64
}

/// Reads a stream to its end and says how long each event took, in milliseconds.
async fn listen(
    mut response: reqwest::Response,
    began: Instant,
    delays: mpsc::UnboundedSender<f64>,
    count: Arc<AtomicU64>,
) {
    const MARK: &[u8] = b"\"sentUs\":";
    let mut text: Vec<u8> = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        text.extend_from_slice(&chunk);
        let now = began.elapsed().as_micros() as f64;
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = text.drain(..end + 2).collect();
            let Some(at) = block.windows(MARK.len()).position(|bytes| bytes == MARK) else { continue };
            let digits = block[at + MARK.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            let sent = digits.fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'));
            _ = delays.send((now - sent as f64) / 1_000.0);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
