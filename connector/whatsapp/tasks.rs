//! The library's tasks, of which a chosen one is not started.
//!
//! The library answers some stanzas in a task of its own and cannot be told not to. It starts that task in the
//! same breath in which it has shown the stanza: on one thread, and with nothing awaited in between. So who was shown
//! a stanza can have the next task that the same client starts on that thread dropped.

use std::{
    cell::Cell,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use whatsapp_rust::{Runtime, TokioRuntime, wacore::runtime::AbortHandle};

type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

thread_local! {
    /// Whose next task on this thread is not started; 0 for nobody's.
    static UNWANTED: Cell<u64> = const { Cell::new(0) };
}

/// Runs the tasks of one client.
pub(super) struct Tasks {
    client: u64,
}

/// By which the next task of the client is dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    client: u64,
}

impl Tasks {
    pub fn new() -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        Self { client: CLIENTS.fetch_add(1, Ordering::Relaxed) }
    }

    pub fn choice(&self) -> Choice {
        Choice { client: self.client }
    }
}

impl Choice {
    /// Whether the next task that the client starts on this thread is wanted.
    pub fn next_is_wanted(self, wanted: bool) {
        UNWANTED.set(if wanted { 0 } else { self.client });
    }
}

impl Runtime for Tasks {
    fn spawn(&self, future: Task) -> AbortHandle {
        if UNWANTED.get() == self.client {
            UNWANTED.set(0);
            return AbortHandle::noop();
        }
        TokioRuntime.spawn(future)
    }

    fn spawn_detached(&self, future: Task) {
        TokioRuntime.spawn_detached(future);
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        TokioRuntime.sleep(duration)
    }

    fn spawn_blocking(
        &self,
        work: Box<dyn FnOnce() + Send + 'static>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        TokioRuntime.spawn_blocking(work)
    }

    fn yield_now(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        TokioRuntime.yield_now()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU32};

    use super::*;

    #[tokio::test]
    async fn one_task_of_one_client_is_not_started() {
        let ran = Arc::new(AtomicU32::new(0));
        let task = |value: u32| -> Task {
            let ran = ran.clone();
            Box::pin(async move {
                ran.fetch_add(value, Ordering::Relaxed);
            })
        };
        let (one, other) = (Tasks::new(), Tasks::new());
        one.choice().next_is_wanted(false);
        other.spawn(task(1)).detach();
        one.spawn_detached(task(10));
        one.spawn(task(100)).detach();
        one.spawn(task(1000)).detach();
        one.choice().next_is_wanted(false);
        one.choice().next_is_wanted(true);
        one.spawn(task(10_000)).detach();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ran.load(Ordering::Relaxed), 11_011);
    }
}
