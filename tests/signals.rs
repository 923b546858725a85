//! Signals to processes that a test has started, and what the kernel knows of them.

use std::path::Path;

use tokio::process::Command;

/// Sends a signal, by its name (`KILL`, `TERM`, `STOP`, `CONT`). Whether there was a process to get it.
pub async fn signal(pid: u32, name: &str) -> bool {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output().await;
    sent.expect("kill runs").status.success()
}

/// Whether a process runs. One that has ended and not been waited for does not.
pub fn is_alive(pid: u32) -> bool {
    field(pid, 0).is_some_and(|state| state != "Z" && state != "X")
}

/// The processor time of a process with all its threads, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    /// Ticks a second: the same on every Linux that this runs on.
    const TICKS: f64 = 100.0;
    let ticks = |at| field(pid, at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    // utime and stime.
    (ticks(11) + ticks(12)) / TICKS
}

/// The resident memory of a process in KiB.
pub fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// The processes that a process has started and that run.
pub fn children_of(pid: u32) -> Vec<u32> {
    let all = Path::new("/proc").read_dir().expect("/proc");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parent = pid.to_string();
    pids.filter(|pid| field(*pid, 1).as_deref() == Some(&parent) && is_alive(*pid)).collect()
}

/// A field of `/proc/<pid>/stat`, counted from behind the name, which may hold anything.
fn field(pid: u32, at: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(at).map(str::to_owned)
}

/// A process that is stopped (SIGSTOP) until this is dropped or told to go on: a test that fails leaves nothing
/// frozen behind.
pub struct Frozen(u32);

impl Frozen {
    /// Freezes a process.
    pub async fn freeze(pid: u32) -> Self {
        assert!(signal(pid, "STOP").await, "there is no process {pid} to freeze");
        Self(pid)
    }

    /// Lets it go on.
    pub fn thaw(self) {}
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _gone = std::process::Command::new("kill").args(["-CONT", &self.0.to_string()]).output();
    }
}
