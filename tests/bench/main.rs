//! The figures of `docs/benchmarks.md`: `tests/bench/run` builds everything and runs this. A report, not a test.
//!
//! The environment chooses: `KURIR_BENCH_SECTIONS` (names separated by commas), `KURIR_BENCH_WRITE=0` (print
//! only), and the sizes in `sizes.rs`.

mod attack;
mod cold_start;
mod cost;
mod failover;
mod latency;
mod library;
mod machine;
mod memory;
mod quiet;
mod report;
mod sizes;
mod streams;
mod throughput;

use report::Report;
use sizes::Sizes;

#[tokio::main]
async fn main() {
    let sizes = Sizes::from_env();
    let mut report = Report::new(machine::describe());
    let wanted = std::env::var("KURIR_BENCH_SECTIONS").unwrap_or_else(|_| Sizes::SECTIONS.join(","));
    for section in wanted.split(',').map(str::trim) {
        println!("\n== {section}");
        let blocks = match section {
            "throughput" => throughput::measure(&sizes).await,
            "cost" => cost::measure(&sizes).await,
            "memory" => memory::measure(&sizes).await,
            "latency" => latency::measure(&sizes).await,
            "streams" => streams::measure(&sizes).await,
            "cold_start" => cold_start::measure(&sizes).await,
            "attack" => attack::measure(&sizes).await,
            "failover" => failover::measure(&sizes).await,
            other => panic!("there is no section {other}: {}", Sizes::SECTIONS.join(", ")),
        };
        blocks.iter().for_each(|block| println!("\n{block}"));
        report.keep(section, &blocks.join("\n\n"));
    }
    if std::env::var("KURIR_BENCH_WRITE").as_deref() != Ok("0") {
        report.write();
    }
}
