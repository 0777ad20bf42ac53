//! Where a product's events, sealed secrets, leases and documents go, as one value.

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Clock, DocumentStore, Integrity, Journal, Lease, SecretStore};
use azconnect_store::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};

/// The four durable ports that everything with a memory is built on: the journal, the sealed secrets, the leases and the
/// documents.
///
/// They belong together: journal and documents name sealed secrets, and a lease guards a stream of the journal. A product that keeps
/// them apart, or in a database of its own, brings its own with [`Storage::new`].
#[derive(Clone)]
pub struct Storage {
    journal: Arc<dyn Journal>,
    secrets: Arc<dyn SecretStore>,
    lease: Arc<dyn Lease>,
    documents: Arc<dyn DocumentStore>,
}

impl Storage {
    /// A storage of four separate ports.
    pub fn new(
        journal: Arc<dyn Journal>,
        secrets: Arc<dyn SecretStore>,
        lease: Arc<dyn Lease>,
        documents: Arc<dyn DocumentStore>,
    ) -> Self {
        Self { journal, secrets, lease, documents }
    }

    /// A storage in one store that implements all four ports, such as `SqliteStore` or `PostgresStore`.
    pub fn of<S: Journal + SecretStore + Lease + DocumentStore + 'static>(store: Arc<S>) -> Self {
        Self::new(store.clone(), store.clone(), store.clone(), store)
    }

    /// A storage in this process's memory, which ends with it: for tests and demonstrations. Secrets are not sealed.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        let (journal, secrets) = (Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()));
        Self::new(journal, secrets, Arc::new(MemoryLease::new(clock)), Arc::new(MemoryDocuments::new()))
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

    /// The documents, such as the records of connections.
    pub fn documents(&self) -> Arc<dyn DocumentStore> {
        self.documents.clone()
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}
