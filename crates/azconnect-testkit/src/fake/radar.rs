//! When credentials end, without a store or a service.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Clock, Diagnosis, DocumentId, Error, ErrorKind};
use azconnect_credential::{
    ConnectionId, ConnectionQuery, ConnectionRecord, Crossing, CrossingPage, EndReading, ExpiryLook, ExpiryNote,
    ExpiryPolicy, ExpiryWatch, Kept as _, OpenCrossing, Standing, StandingPage,
};

use super::Faults;

/// How many connections a page of crossings is about.
const CROSSINGS: usize = 100;

/// A kind of call behind a [`Radar`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RadarStep {
    /// Reading from the product's store.
    Read,
    /// Writing to it.
    Write,
}

/// Watches the ends of credentials that a test names. Clones are the same radar.
#[derive(Clone)]
pub struct Radar {
    world: Arc<Mutex<World>>,
    faults: Faults<RadarStep>,
    clock: Arc<dyn Clock>,
    policy: ExpiryPolicy,
}

#[derive(Debug, Default)]
struct World {
    records: BTreeMap<String, ConnectionRecord>,
    readings: BTreeMap<String, EndReading>,
    notes: BTreeMap<String, ExpiryNote>,
}

impl Radar {
    /// A radar without connections, under the default policy.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { world: Arc::default(), faults: Faults::new(), clock, policy: ExpiryPolicy::default() }
    }

    /// Sets when an end is near enough to be told.
    #[must_use]
    pub fn with_policy(mut self, policy: ExpiryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<RadarStep> {
        &self.faults
    }

    /// Keeps a connection, in the place of the one that had the name.
    pub fn put(&self, record: ConnectionRecord) {
        self.world().records.insert(record.id.to_string(), record);
    }

    /// Removes a connection.
    pub fn remove(&self, id: &ConnectionId) {
        self.world().records.remove(id.as_str());
    }

    /// What the service says from now on of a connection's credential, where it does not stay silent.
    pub fn set_reading(&self, id: &ConnectionId, reading: EndReading) {
        self.world().readings.insert(id.to_string(), reading);
    }

    fn stand(&self, world: &mut World, record: &ConnectionRecord) -> Result<Standing, Error> {
        let name = record.id.as_str();
        let kept = world.notes.get(name).filter(|note| note.is_of(record)).cloned();
        let Some(mut note) = kept.clone().or_else(|| ExpiryNote::new(record)) else {
            return Ok(standing(record, ExpiryLook::never()));
        };
        let silent = || EndReading::Unread(Diagnosis::new(ErrorKind::PermissionDenied, "nobody may read it"));
        let reading = world.readings.get(name).cloned().unwrap_or_else(silent);
        let looked = note.look(record, &reading, &self.policy, self.clock.now());
        if kept.as_ref() != Some(&note) {
            self.faults.write(&RadarStep::Write, || {
                world.notes.insert(name.to_owned(), note);
                Ok(())
            })?;
        }
        Ok(standing(record, looked))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ExpiryWatch for Radar {
    async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error> {
        let mut world = self.world();
        let (found, next) = self.faults.read(&RadarStep::Read, || page_of(&world, query))?;
        let standings = found.iter().map(|record| self.stand(&mut world, record)).collect::<Result<_, _>>()?;
        Ok(StandingPage::new(standings, next))
    }

    async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error> {
        let world = self.world();
        let query = ConnectionQuery::new().with_after(after.cloned()).with_limit(CROSSINGS);
        let (found, next) = self.faults.read(&RadarStep::Read, || page_of(&world, &query))?;
        let open = found.into_iter().flat_map(|record| {
            let note = world.notes.get(record.id.as_str()).filter(|note| note.is_of(&record));
            let open = note.map(|note| note.open().to_vec()).unwrap_or_default();
            open.into_iter().map(move |crossing| OpenCrossing::new(crossing, record.clone()))
        });
        Ok(CrossingPage::new(open.collect(), next))
    }

    async fn acknowledge(&self, crossing: &Crossing) -> Result<bool, Error> {
        self.faults.write(&RadarStep::Write, || {
            let mut world = self.world();
            let note = world.notes.get_mut(crossing.connection.as_str());
            Ok(note.is_some_and(|note| note.acknowledge(crossing.id)))
        })
    }

    async fn forget_removed(&self) -> Result<usize, Error> {
        self.faults.write(&RadarStep::Write, || {
            let World { records, notes, .. } = &mut *self.world();
            let before = notes.len();
            notes.retain(|name, _| records.contains_key(name));
            Ok(before - notes.len())
        })
    }
}

impl fmt::Debug for Radar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Radar").field("policy", &self.policy).finish_non_exhaustive()
    }
}

fn standing(record: &ConnectionRecord, looked: ExpiryLook) -> Standing {
    Standing::new(record.clone(), looked.expiry, looked.source).with_problem(looked.problem).with_noted(looked.noted)
}

fn page_of(world: &World, query: &ConnectionQuery) -> Result<(Vec<ConnectionRecord>, Option<DocumentId>), Error> {
    let wanted = query.to_records()?.labels;
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let from = query.after.as_ref().map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_str()));
    let mut found = Vec::new();
    for record in world.records.range::<str, _>((from, Bound::Unbounded)).map(|(_, record)| record) {
        if record.document_labels()?.contain(&wanted) {
            found.push(record.clone());
        }
        if found.len() > limit {
            break;
        }
    }
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().filter(|_| !is_last).map(|last| DocumentId::new(last.id.as_str())).transpose()?;
    Ok((found, next))
}
