//! Leases in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, Grant, Lease, LeaseKey};

use super::lock;
use crate::rules::lease::{LeaseRequest, LeaseState};

/// A [`Lease`] among the tasks of one process. Clones share what they hold.
#[derive(Clone)]
pub struct MemoryLease {
    states: Arc<Mutex<BTreeMap<LeaseKey, LeaseState>>>,
    clock: Arc<dyn Clock>,
}

impl MemoryLease {
    /// A lease of which every key is free.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { states: Arc::default(), clock }
    }
}

impl fmt::Debug for MemoryLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLease").field("keys", &lock(&self.states).len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Lease for MemoryLease {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        let mut states = lock(&self.states);
        let request = LeaseRequest { key, holder, term, now: self.clock.now() };
        let grant = states.get(key).cloned().unwrap_or_default().acquire(&request)?;
        states.insert(key.clone(), LeaseState::taken(&grant));
        Ok(grant)
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        let mut states = lock(&self.states);
        let request = LeaseRequest { key: &grant.key, holder: &grant.holder, term, now: self.clock.now() };
        let renewed = states.get(&grant.key).cloned().unwrap_or_default().renew(grant, &request)?;
        states.insert(grant.key.clone(), LeaseState::taken(&renewed));
        Ok(renewed)
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        if let Some(state) = lock(&self.states).get_mut(&grant.key).filter(|state| state.is_of(grant)) {
            state.holding = None;
        }
        Ok(())
    }
}
