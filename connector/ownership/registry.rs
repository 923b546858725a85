//! What this connector tells of itself.

use shared::{
    clock::{SharedClock, Timestamp},
    domain::{ids::WorkerId, worker::Worker},
};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::time::Instant;

use crate::session_count::SessionCount;

/// Measures what this process uses, and says who it is.
pub(super) struct Registry {
    id: WorkerId,
    host: String,
    started_at: Timestamp,
    clock: SharedClock,
    sessions: SessionCount,
    /// Absent on a system that cannot be asked.
    system: Option<System>,
    /// When the processors were last asked about, and the milliseconds of them used until then.
    before: (Instant, u64),
}

impl Registry {
    pub fn new(id: WorkerId, clock: SharedClock, sessions: SessionCount) -> Self {
        let host = System::host_name().unwrap_or_else(|_| "unknown".into());
        let before = (Instant::now(), 0);
        let mut registry =
            Self { id, host, started_at: clock.now(), clock, sessions, system: System::new().ok(), before };
        registry.before.1 = registry.used().0;
        registry
    }

    /// How this process is now. What it used of the processors is since the last call.
    pub fn worker(&mut self, draining: bool) -> Worker {
        let (cpu_ms, memory_bytes) = self.used();
        let (since, before_ms) = std::mem::replace(&mut self.before, (Instant::now(), cpu_ms));
        let passed_ms = since.elapsed().as_secs_f64().max(0.001) * 1000.0;
        let used_ms = u32::try_from(cpu_ms.saturating_sub(before_ms)).unwrap_or(u32::MAX);
        let cpu = f64::from(used_ms) / passed_ms * 100.0;
        Worker {
            id: self.id,
            host: self.host.clone(),
            pid: std::process::id(),
            version: shared::version().into(),
            shards: Vec::new(),
            sessions: self.sessions.count(),
            cpu: (cpu * 10.0).round() / 10.0,
            memory_bytes,
            started_at: self.started_at,
            last_heartbeat_at: self.clock.now(),
            draining,
        }
    }

    /// The milliseconds of processors that this process has used, and its resident memory.
    fn used(&mut self) -> (u64, u64) {
        let pid = Pid::from_u32(std::process::id());
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        let Some(system) = &mut self.system else { return (0, 0) };
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
        system.process(pid).map_or((0, 0), |process| (process.accumulated_cpu_time(), process.memory()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::clock::SystemClock;

    use super::*;

    #[tokio::test]
    async fn a_process_knows_who_it_is_and_what_it_uses() {
        let clock = Arc::new(SystemClock);
        let mut registry = Registry::new(WorkerId::derived([1; 32]), clock, SessionCount::default());
        let worker = registry.worker(true);
        assert_eq!((worker.pid, worker.draining, worker.sessions), (std::process::id(), true, 0));
        assert!(worker.memory_bytes > 1 << 20, "{worker:?}");
        assert!(!worker.host.is_empty());
    }
}
