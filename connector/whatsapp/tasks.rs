//! The library's tasks, of which a chosen one is waited for at the end, or not started at all.
//!
//! The library answers some stanzas in a task of its own and cannot be told not to. It starts that task in the
//! same breath in which it has shown the stanza: on one thread, and with nothing awaited in between. So who was shown
//! a stanza can choose what becomes of the next task that the same client starts on that thread.

use std::{
    cell::Cell,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio_util::task::TaskTracker;
use whatsapp_rust::{Runtime, TokioRuntime, wacore::runtime::AbortHandle};

type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

thread_local! {
    /// What becomes of the next task on this thread, and of which client's; 0 is nobody.
    static NEXT: Cell<(u64, Next)> = const { Cell::new((0, Next::Started)) };
}

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Started,
    /// It is started, and waited for before the connection is closed.
    Tracked,
    Dropped,
}

/// Runs the tasks of one client.
pub(super) struct Tasks {
    client: u64,
    tracker: TaskTracker,
}

/// By which the next task of the client is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    client: u64,
}

impl Tasks {
    pub fn new(tracker: TaskTracker) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        Self { client: CLIENTS.fetch_add(1, Ordering::Relaxed), tracker }
    }

    pub fn choice(&self) -> Choice {
        Choice { client: self.client }
    }
}

impl Choice {
    /// Says what becomes of the next task that the client starts on this thread.
    pub fn next_is(self, next: Next) {
        NEXT.set((self.client, next));
    }
}

impl Runtime for Tasks {
    fn spawn(&self, future: Task) -> AbortHandle {
        let next = match NEXT.get() {
            (client, next) if client == self.client => next,
            _ => Next::Started,
        };
        match next {
            Next::Started => return TokioRuntime.spawn(future),
            Next::Tracked | Next::Dropped => NEXT.set((self.client, Next::Started)),
        }
        match next {
            Next::Dropped => AbortHandle::noop(),
            _ => TokioRuntime.spawn(Box::pin(self.tracker.track_future(future))),
        }
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
    async fn one_task_of_one_client_is_not_started_or_waited_for() {
        let ran = Arc::new(AtomicU32::new(0));
        let task = |value: u32| -> Task {
            let ran = ran.clone();
            Box::pin(async move {
                tokio::task::yield_now().await;
                ran.fetch_add(value, Ordering::Relaxed);
            })
        };
        let tracker = TaskTracker::new();
        let (one, other) = (Tasks::new(tracker.clone()), Tasks::new(TaskTracker::new()));
        one.choice().next_is(Next::Dropped);
        other.spawn(task(1)).detach();
        one.spawn_detached(task(10));
        one.spawn(task(100)).detach();
        one.spawn(task(1000)).detach();
        one.choice().next_is(Next::Dropped);
        one.choice().next_is(Next::Started);
        one.spawn(task(10_000)).detach();
        assert!(tracker.is_empty());
        one.choice().next_is(Next::Tracked);
        one.spawn(task(100_000)).detach();
        assert_eq!(tracker.len(), 1);
        tracker.close();
        tracker.wait().await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ran.load(Ordering::Relaxed), 111_011);
    }
}
