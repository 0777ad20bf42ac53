//! Leases in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, Grant, Lease, LeaseKey};

use super::lock;
use crate::rules::lease::{Seat, Wish};

/// A [`Lease`] among the tasks of one process. Clones share what they hold.
#[derive(Clone)]
pub struct MemoryLease {
    seats: Arc<Mutex<BTreeMap<LeaseKey, Seat>>>,
    clock: Arc<dyn Clock>,
}

impl MemoryLease {
    /// A lease of which every key is free.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { seats: Arc::default(), clock }
    }
}

impl fmt::Debug for MemoryLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLease").field("keys", &lock(&self.seats).len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Lease for MemoryLease {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        let mut seats = lock(&self.seats);
        let wish = Wish { key, holder, term, now: self.clock.now() };
        let grant = seats.get(key).cloned().unwrap_or_default().acquire(&wish)?;
        seats.insert(key.clone(), Seat::taken(&grant));
        Ok(grant)
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        let mut seats = lock(&self.seats);
        let wish = Wish { key: &grant.key, holder: &grant.holder, term, now: self.clock.now() };
        let renewed = seats.get(&grant.key).cloned().unwrap_or_default().renew(grant, &wish)?;
        seats.insert(grant.key.clone(), Seat::taken(&renewed));
        Ok(renewed)
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        if let Some(seat) = lock(&self.seats).get_mut(&grant.key).filter(|seat| seat.is_of(grant)) {
            seat.tenure = None;
        }
        Ok(())
    }
}
