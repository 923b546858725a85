//! Threads of its own for a part of the gateway, so that no other part can starve it.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime with its own workers and its own pool of blocking threads.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    /// Starts them; debuggers and `top -H` show the name.
    pub fn start(name: &'static str) -> io::Result<Self> {
        Ok(Self(Some(runtime(name)?)))
    }

    /// Runs something there: the sockets and the tasks that it makes stay there.
    ///
    /// # Panics
    /// When it panics.
    pub async fn run<F>(&self, what: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = self.0.as_ref().expect("there until the drop");
        match runtime.spawn(what).await {
            Ok(output) => output,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting would block the thread that drops it.
            runtime.shutdown_background();
        }
    }
}

/// A runtime whose threads have this name.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime(name: &'static str) -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().thread_name(name).build()
}
