//! How much is measured.

/// The sizes of all sections; each can be set, which makes a quick run for trying things out.
pub struct Sizes {
    /// `KURIR_BENCH_DEVICES`: numbers of devices that send.
    pub devices: Vec<usize>,
    /// `KURIR_BENCH_MESSAGES`: messages of each run.
    pub messages: usize,
    /// `KURIR_BENCH_IDLE`: numbers of devices that are only connected.
    pub idle: Vec<usize>,
    /// `KURIR_BENCH_CONCURRENT`: requests at a time.
    pub concurrent: usize,
    /// `KURIR_BENCH_STREAMS`: event streams.
    pub streams: usize,
    /// `KURIR_BENCH_EVENT_RATES`: events a second that go to them.
    pub event_rates: Vec<usize>,
    /// `KURIR_BENCH_KILLS`: connectors killed.
    pub kills: usize,
    /// `KURIR_BENCH_COLD_STARTS`: starts of a function.
    pub cold_starts: usize,
    /// `KURIR_BENCH_ATTACK_SECONDS`: how long others are watched beside each attack, at least.
    pub attack_seconds: usize,
}

impl Sizes {
    /// All sections.
    pub const SECTIONS: [&str; 8] =
        ["throughput", "cost", "memory", "latency", "streams", "failover", "cold_start", "attack"];

    /// As the environment says; by default those of issues 4 and 5.
    pub fn from_env() -> Self {
        let one = |name: &str, default: usize| many(name, &[default])[0];
        Self {
            devices: many("KURIR_BENCH_DEVICES", &[1, 20, 200]),
            messages: one("KURIR_BENCH_MESSAGES", 2_000),
            idle: many("KURIR_BENCH_IDLE", &[100, 500, 2_000]),
            concurrent: one("KURIR_BENCH_CONCURRENT", 50),
            streams: one("KURIR_BENCH_STREAMS", 1_000),
            event_rates: many("KURIR_BENCH_EVENT_RATES", &[50, 500]),
            kills: one("KURIR_BENCH_KILLS", 10),
            cold_starts: one("KURIR_BENCH_COLD_STARTS", 20),
            attack_seconds: one("KURIR_BENCH_ATTACK_SECONDS", 20),
        }
    }
}

fn many(name: &str, default: &[usize]) -> Vec<usize> {
    match std::env::var(name) {
        Ok(text) => text
            .split(',')
            .map(|number| number.trim().parse().unwrap_or_else(|_| panic!("{name}={text}")))
            .collect(),
        Err(_) => default.to_vec(),
    }
}
