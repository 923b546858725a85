//! How many files, and with that sockets, this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as are ever of use.
const ENOUGH: u64 = 65_536;

/// Raises the soft limit as far as the system allows. Says how many it is then.
pub(crate) fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let (now, most) = (current.unwrap_or(ENOUGH), maximum.unwrap_or(ENOUGH).min(ENOUGH));
    if now >= most {
        return now;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }) {
        Ok(()) => most,
        Err(error) => {
            tracing::warn!(%error, now, "the limit of open files cannot be raised");
            now
        }
    }
}
