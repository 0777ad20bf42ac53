//! Where a product's events, sealed secrets and leases go, as one value.

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Clock, Integrity, Journal, Lease, SecretStore};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};

/// The three durable ports that everything with a memory is built on: the journal, the sealed secrets and the leases.
///
/// They belong together: a journal names sealed secrets, and a lease guards a stream of the journal. A product that keeps
/// them apart, or in a database of its own, brings its own with [`Storage::new`].
#[derive(Clone)]
pub struct Storage {
    journal: Arc<dyn Journal>,
    secrets: Arc<dyn SecretStore>,
    lease: Arc<dyn Lease>,
}

impl Storage {
    /// A storage of three separate ports.
    pub fn new(journal: Arc<dyn Journal>, secrets: Arc<dyn SecretStore>, lease: Arc<dyn Lease>) -> Self {
        Self { journal, secrets, lease }
    }

    /// A storage in one store that implements all three ports, such as `SqliteStore`.
    pub fn of<S: Journal + SecretStore + Lease + 'static>(store: Arc<S>) -> Self {
        Self::new(store.clone(), store.clone(), store)
    }

    /// A storage in this process's memory, which ends with it: for tests and demonstrations. Secrets are not sealed.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self::new(Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()), Arc::new(MemoryLease::new(clock)))
    }

    /// Whether the journal notices what somebody else has written where it is kept. One in memory does not: what cannot
    /// write to this process cannot write there.
    pub fn integrity(&self) -> Integrity {
        self.journal.integrity()
    }

    /// The journal, to which every event is appended.
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.journal.clone()
    }

    /// The store in which secrets lie sealed.
    pub fn secrets(&self) -> Arc<dyn SecretStore> {
        self.secrets.clone()
    }

    /// The leases, which let one process at a time write to a stream.
    pub fn lease(&self) -> Arc<dyn Lease> {
        self.lease.clone()
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}
