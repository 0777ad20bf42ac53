//! Consumers that a finder finds, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Effect, Error};
use azconnect_credential::{Check, CheckReport, ConsumerFinder, FoundConsumer, FoundConsumers, SinkId};

use super::faults::{Fault, Faults};

/// Places with consumers of one application's secret, and the finder that looks in them. Clones are the same places.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use azconnect_credential::{ConsumerFinder, SinkId};
/// use azconnect_testkit::fake::Consumers;
///
/// let consumers = Consumers::new();
/// consumers.add("contoso/Web", &SinkId::new("devops:contoso/1")?, "the connection deploy");
/// assert_eq!(consumers.consumers().await?.consumers[0].title, "the connection deploy");
///
/// consumers.set_closed("contoso/Web", true);
/// let found = consumers.consumers().await?;
/// assert!(found.consumers.is_empty() && !found.is_complete());
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Consumers {
    places: Arc<Mutex<BTreeMap<String, Place>>>,
    faults: Faults<()>,
}

#[derive(Debug, Default)]
struct Place {
    consumers: Vec<FoundConsumer>,
    closed: bool,
}

impl Consumers {
    /// No places yet: nobody uses the secret.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a consumer in a place, which is made with it.
    pub fn add(&self, place: &str, sink: &SinkId, title: &str) {
        let mut places = self.places();
        places.entry(place.to_owned()).or_default().consumers.push(FoundConsumer::new(sink.clone(), title));
    }

    /// Takes a consumer away, wherever it is.
    pub fn remove(&self, sink: &SinkId) {
        self.places().values_mut().for_each(|place| place.consumers.retain(|consumer| consumer.sink != *sink));
    }

    /// Keeps a place from the finder, or lets it look there again.
    pub fn set_closed(&self, place: &str, closed: bool) {
        self.places().entry(place.to_owned()).or_default().closed = closed;
    }

    /// Makes the next look fail. Several faults happen in turn.
    pub fn script(&self, fault: Fault) {
        self.faults.script((), fault);
    }

    /// Makes every look fail until [`Consumers::heal`].
    pub fn break_down(&self, fault: Fault) {
        self.faults.break_down((), fault);
    }

    /// Forgets every fault. Closed places stay closed.
    pub fn heal(&self) {
        self.faults.heal();
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<String, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ConsumerFinder for Consumers {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        let fault = self.faults.next(&());
        if matches!(fault, Some(Fault::Hangs | Fault::HangsAfterwards)) {
            std::future::pending::<()>().await;
        }
        if let Some(fault) = fault {
            return Err(fault.error().with_effect(Effect::None));
        }
        let places = self.places();
        let open = places.values().filter(|place| !place.closed).flat_map(|place| place.consumers.clone());
        let closed = places.iter().filter(|(_, place)| place.closed);
        let check =
            |name: &str| Check::unknown("place-unreadable", name, "the caller may not look here", "ask its owner");
        let checks: CheckReport = closed.map(|(name, _)| check(name)).collect();
        Ok(FoundConsumers::new(open.collect()).with_checks(checks))
    }
}
