//! What a session is opened with.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Error, Journal, Lease, LeaseKey, StreamId};

/// The term of a lease unless another is chosen: how long another process waits after the holder was killed.
const DEFAULT_TERM: Duration = Duration::from_secs(60);

/// The ports that a session stands on.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionPorts {
    /// Where events go.
    pub journal: Arc<dyn Journal>,
    /// Who may write.
    pub lease: Arc<dyn Lease>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl SessionPorts {
    /// The three ports.
    pub fn new(journal: Arc<dyn Journal>, lease: Arc<dyn Lease>, clock: Arc<dyn Clock>) -> Self {
        Self { journal, lease, clock }
    }
}

/// Which stream is opened, and on what terms.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The stream that is written.
    pub stream: StreamId,
    /// What is leased. It has the stream's name, so that no two programs lease one stream under two keys.
    pub key: LeaseKey,
    /// For how long the lease is taken at a time.
    pub term: Duration,
    /// What the holder's name begins with, for the person who asks who has the lease. Each session adds a part of its
    /// own, so that two of one process exclude each other like two processes.
    pub holder: String,
    call_deadline: Option<Duration>,
}

impl Claim {
    /// A claim on a stream for 60 seconds at a time.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the stream's name is not one of a lease.
    pub fn new(stream: StreamId) -> Result<Self, Error> {
        let key = LeaseKey::new(stream.as_str())?;
        Ok(Self { stream, key, term: DEFAULT_TERM, holder: "saga".to_owned(), call_deadline: None })
    }

    /// Sets for how long the lease is taken at a time.
    #[must_use]
    pub fn with_term(mut self, term: Duration) -> Self {
        self.term = term;
        self
    }

    /// Sets what the holder's name begins with.
    #[must_use]
    pub fn with_holder(mut self, prefix: impl Into<String>) -> Self {
        self.holder = prefix.into();
        self
    }

    /// Sets for how long one call of the journal or of the lease is waited for. Unless it is set: three quarters of the term,
    /// so that a call which is never answered is given up while the lease is still held.
    #[must_use]
    pub fn with_call_deadline(mut self, time_limit: Duration) -> Self {
        self.call_deadline = Some(time_limit);
        self
    }

    /// For how long one call of the journal or of the lease is waited for.
    pub fn call_deadline(&self) -> Duration {
        self.call_deadline.unwrap_or(self.term / 4 * 3)
    }
}
