//! From a host's name to the addresses that may be asked.

use std::{
    io,
    net::{IpAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::{Outbound, Refusal, UrlPolicy};

/// How long a check waits for a name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// Questions to the system at a time. Each takes a thread until the system gives up, however long ago the one who
/// asked did: name servers that never answer must not take all threads that this process has for such work (512).
const QUESTIONS: usize = 256;

/// The addresses of a name, or why there are none.
pub type Found<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Knows the addresses of names.
pub trait Lookup: Send + Sync {
    /// All addresses of a name.
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// What the system knows. Clones ask together.
#[derive(Debug, Clone)]
pub struct SystemLookup(Arc<Semaphore>);

impl Default for SystemLookup {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(QUESTIONS)))
    }
}

impl Lookup for SystemLookup {
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a> {
        let (questions, name) = (self.0.clone(), name.to_owned());
        Box::pin(async move {
            let permit = questions.acquire_owned().await.map_err(io::Error::other)?;
            let asked = tokio::task::spawn_blocking(move || {
                let _until_answered = permit;
                Ok((name.as_str(), 0).to_socket_addrs()?.map(|at| at.ip()).collect())
            });
            asked.await.map_err(io::Error::other)?
        })
    }
}

/// What the HTTP client asks right before it connects, so that it connects to what was checked.
pub(super) struct CheckedLookup {
    pub(super) policy: UrlPolicy,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for CheckedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookup) = (self.policy.clone(), self.lookup.clone());
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await?;
            policy.check_addresses(name.as_str(), &found)?;
            let addresses = found.into_iter().map(|ip| (ip, 0).into());
            Ok::<Addrs, _>(Box::new(addresses.collect::<Vec<_>>().into_iter()))
        })
    }
}

impl Outbound {
    /// Checks a URL that a tenant gives: its form, and the addresses behind its name. A name that nobody knows
    /// at the moment passes; every request checks anew.
    ///
    /// # Errors
    /// [`Refusal`], which says what is wrong with it.
    pub async fn check(&self, text: &str) -> Result<(), Refusal> {
        let url = self.0.policy.check(text)?;
        let Some(url::Host::Domain(name)) = url.host() else { return Ok(()) };
        match tokio::time::timeout(LOOKUP_TIMEOUT, self.0.lookup.addresses(name)).await {
            Ok(Ok(found)) => self.0.policy.check_addresses(name, &found),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}
