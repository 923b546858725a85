//! Hashing and checking passwords, by a few threads. Each hash takes 19 MiB and tens of milliseconds of a core on
//! purpose; whoever floods Kurir with logins gets what these threads can do, and no more of its memory and time.

mod hashing;

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::secret::Secret;
use hashing::Memory;

/// How many passwords wait at most; about a second of work for one core.
const MOST_WAITING: usize = 32;

/// How long a thread without work keeps its memory.
const IDLE: Duration = Duration::from_secs(5);

/// The threads that hash. Clones are the same.
#[derive(Clone)]
pub struct Passwords(Arc<Pool>);

struct Pool {
    state: Mutex<State>,
    added: Condvar,
    most_threads: usize,
    permits: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// A password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many others wait already.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// A password longer than argon2 takes, or no memory.
    #[error("the password could not be hashed")]
    Failed,
}

impl Default for Passwords {
    /// As many threads as there are cores. They begin when there is work, and end when there is none.
    fn default() -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Passwords {
    fn new(most_threads: usize) -> Self {
        let permits = Arc::new(Semaphore::new(most_threads + MOST_WAITING));
        Self(Arc::new(Pool { state: Mutex::default(), added: Condvar::new(), most_threads, permits }))
    }

    /// The hash of a password, as a PHC string.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, password: Secret) -> Result<Secret, PasswordError> {
        self.run(move |memory| memory.hash(&password)).await?.map(Secret::new).ok_or(PasswordError::Failed)
    }

    /// Whether a password matches a stored hash. Without one it does not, and takes as long to find out.
    ///
    /// # Errors
    /// [`PasswordError::Busy`].
    pub async fn verify(&self, password: Secret, hash: Option<Secret>) -> Result<bool, PasswordError> {
        self.run(move |memory| match &hash {
            Some(hash) => memory.verify(&password, hash.expose()),
            None => {
                memory.hash(&password);
                false
            }
        })
        .await
    }

    /// Lets in who is about to have a password hashed, before anything else is done for it; until the permit is
    /// dropped.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when as many are in as are worked for or may wait.
    pub fn admit(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        self.0.permits.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (answer, done) = oneshot::channel();
        // Whoever does not wait any more needs no answer.
        self.add(Box::new(move |memory| drop(answer.send(work(memory)))))?;
        done.await.map_err(|_| PasswordError::Failed)
    }

    fn add(&self, job: Job) -> Result<(), PasswordError> {
        let mut state = self.0.lock();
        if state.waiting.len() >= MOST_WAITING {
            return Err(PasswordError::Busy);
        }
        state.waiting.push_back(job);
        if state.idle < state.waiting.len() && state.threads < self.0.most_threads {
            let pool = self.0.clone();
            match thread::Builder::new().name("passwords".into()).spawn(move || pool.work()) {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    tracing::error!(error = &error as &dyn std::error::Error, "no thread for passwords");
                    state.waiting.pop_back();
                    return Err(PasswordError::Busy);
                }
                Err(_) => {}
            }
        }
        self.0.added.notify_one();
        Ok(())
    }
}

impl Pool {
    fn work(self: Arc<Self>) {
        let mut memory = Memory::default();
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                drop(state);
                // Who waits for it learns of a panic by its dropped answer; the thread goes on.
                let _told = panic::catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self.added.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            state.idle -= 1;
            if waited.1.timed_out() && state.waiting.is_empty() {
                // Under the lock in which nobody was seen waiting: who comes now starts another thread.
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding this.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Secret::new("correct horse")).await.unwrap();
        let matches = async |password: &str, hash: Option<&Secret>| {
            passwords.verify(Secret::new(password), hash.cloned()).await.unwrap()
        };
        assert!(matches("correct horse", Some(&hash)).await);
        assert!(!matches("wrong horse", Some(&hash)).await);
        assert!(!matches("correct horse", None).await);
        assert!(!matches("correct horse", Some(&Secret::new("not a hash"))).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn so_many_run_at_once_so_many_wait_and_the_rest_is_refused_at_once() {
        let passwords = Passwords::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all = (0..100).map(|_| {
            let (passwords, running, most) = (passwords.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                let work = move |_: &mut Memory| {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(50));
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                passwords.run(work).await
            })
        });
        let (mut done, mut refused) = (0, 0);
        for one in all.collect::<Vec<_>>() {
            match one.await.unwrap() {
                Ok(()) => done += 1,
                Err(PasswordError::Busy) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
        assert!((MOST_WAITING..=MOST_WAITING + 6).contains(&done), "{done} of 100, {refused} refused");
    }

    #[tokio::test]
    async fn a_job_that_panics_fails_alone() {
        let passwords = Passwords::new(1);
        let failed = passwords.run(|_| panic!("on purpose")).await;
        assert!(matches!(failed, Err(PasswordError::Failed)));
        assert_eq!(passwords.run(|_| 7).await.unwrap(), 7);
    }
}
