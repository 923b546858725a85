//! What the figures were measured on.

use shared::clock::{Clock, SystemClock};

/// The machine, the profile and the day, in a sentence.
pub fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = value(&cpu, "model name").unwrap_or_else(|| "an unnamed processor".into());
    let kib = value(&memory, "MemTotal").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let day = std::env::var("KURIR_BENCH_DATE");
    let day = day.unwrap_or_else(|_| SystemClock.now().to_string().chars().take(10).collect());
    let folder = tests::programs();
    let profile = folder.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "Measured on {day}, {model}, {cores} cores, {:.0} GiB of memory, profile {profile}.",
        kib.unwrap_or_default() / 1024.0 / 1024.0
    )
}
