//! What is really so.

use std::collections::BTreeMap;
use std::time::Duration;

use azconnect_core::{Clock, Effect, Error, ErrorKind, KeyId, Secret};
use azconnect_credential::{CheckReport, Inventory, IssuedKey, KeyHolder, MintRequest, SinkId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::call::{Call, Step};
use super::lags::{Eye, Lags};
use super::late::Late;
use crate::fake::faults::{Fault, Faults};

#[derive(Default)]
pub(super) struct World {
    pub(super) lags: Lags,
    pub(super) flapping: bool,
    /// What every inventory says besides the keys.
    pub(super) inventory: Inventory,
    pub(super) keys: Vec<Key>,
    pub(super) sinks: BTreeMap<SinkId, Consumer>,
    pub(super) faults: Faults<Step>,
    pub(super) calls: Vec<Call>,
    pub(super) late: Vec<Late>,
    minted: u64,
    reads: u64,
}

/// A key, which is kept when it is removed.
pub(super) struct Key {
    pub(super) issued: IssuedKey,
    pub(super) secret: Secret,
    /// When it was minted, by elapsed time; `None` if it was there from the beginning.
    pub(super) minted_at: Option<Duration>,
    pub(super) removed_at: Option<Duration>,
}

pub(super) struct Consumer {
    pub(super) secret: Secret,
    pub(super) checks: CheckReport,
    pub(super) is_issuers_own: bool,
    /// Whatever else it has, which a push must not touch.
    pub(super) note: String,
    pub(super) revision: u64,
}

impl Consumer {
    /// Takes a secret. The same one again is no change: the revision counts changes.
    pub(super) fn take(&mut self, secret: Secret) {
        if !self.secret.same_as(&secret) {
            self.secret = secret;
            self.revision += 1;
        }
    }
}

impl World {
    /// Notes a call, and says how it is to fail.
    pub(super) fn call(&mut self, call: Call) -> Option<Fault> {
        let step = call.step();
        self.calls.push(call);
        self.faults.next(&step)
    }

    pub(super) fn add_key(&mut self, name: Option<&str>, ends_at: OffsetDateTime, at: Option<Duration>) -> KeyId {
        self.add_key_of(KeyHolder::Application, name, ends_at, at)
    }

    pub(super) fn add_key_of(
        &mut self,
        holder: KeyHolder,
        name: Option<&str>,
        ends_at: OffsetDateTime,
        at: Option<Duration>,
    ) -> KeyId {
        // Counted and not random: the same test makes the same ids and secrets.
        self.minted += 1;
        let number = self.minted;
        let key = KeyId::from(Uuid::from_u128(0xfa4e_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)));
        let mut issued = IssuedKey::new(key, holder).with_validity(None, Some(ends_at));
        issued.display_name = name.map(str::to_owned);
        let secret = Secret::new(format!("fAk8Q~{number:08}.a-fake-secret~{number:08}"));
        self.keys.push(Key { issued, secret, minted_at: at, removed_at: None });
        key
    }

    /// Removes a key, whatever a list shows. Says whether there was one.
    pub(super) fn remove_key(&mut self, key: KeyId, at: Duration) -> bool {
        let known = self.keys.iter_mut().find(|known| known.issued.key == key && known.removed_at.is_none());
        match known {
            None => false,
            Some(known) => {
                known.removed_at = Some(at);
                true
            }
        }
    }

    /// Why the service would not mint, if it would not.
    pub(super) fn check(&self, request: &MintRequest, now: OffsetDateTime) -> Result<(), Error> {
        let life = Duration::try_from(request.ends_at - now).unwrap_or_default();
        if life.is_zero() {
            return Err(Error::invalid("end", "is in the past"));
        }
        let refused = |kind, message: &str| Err(Error::new(kind, message).with_effect(Effect::None));
        if self.inventory.max_lifetime.is_some_and(|longest| life > longest) {
            return refused(ErrorKind::PermissionDenied, "the policy allows no such life");
        }
        // The limit is the application's: what another object holds does not count.
        let here = |key: &&Key| key.removed_at.is_none() && key.issued.holder == KeyHolder::Application;
        let live = self.keys.iter().filter(here).count();
        if self.inventory.key_limit.is_some_and(|limit| live >= limit) {
            return refused(ErrorKind::Conflict, "there are as many keys as may be");
        }
        Ok(())
    }

    pub(super) fn add_sink(&mut self, id: &SinkId, secret: Secret) {
        let consumer =
            Consumer { secret, checks: CheckReport::new(), is_issuers_own: false, note: String::new(), revision: 0 };
        self.sinks.insert(id.clone(), consumer);
    }

    /// A consumer, which may have been deleted since its port was made.
    pub(super) fn existing_sink(&mut self, id: &SinkId) -> Result<&mut Consumer, Error> {
        let missing = || Error::new(ErrorKind::NotFound, format!("there is no consumer {id}"));
        let missing = || missing().with_effect(Effect::None).with_advice("bind the consumer that took its place");
        self.sinks.get_mut(id).ok_or_else(missing)
    }

    #[track_caller]
    pub(super) fn sink(&mut self, id: &SinkId) -> &mut Consumer {
        let found = self.sinks.get_mut(id);
        #[expect(clippy::expect_used, reason = "a test kit reports by panicking")]
        found.expect("a seeded sink")
    }

    pub(super) fn secret_of(&self, key: KeyId) -> Option<Secret> {
        self.keys.iter().find(|known| known.issued.key == key).map(|known| known.secret.duplicate())
    }

    /// Which replica answers the next read: every second one is quick.
    pub(super) fn next_replica(&mut self) -> bool {
        self.reads += 1;
        self.flapping && self.reads.is_multiple_of(2)
    }

    /// The keys that a replica lists, of the holders that may be read.
    pub(super) fn listed(&self, quick: bool, clock: &dyn Clock) -> impl Iterator<Item = &Key> {
        self.known(Eye::List, quick, clock).filter(|key| self.inventory.saw(key.issued.holder))
    }

    fn known(&self, eye: Eye, quick: bool, clock: &dyn Clock) -> impl Iterator<Item = &Key> {
        let (now, lag) = (clock.elapsed(), self.lags.of(eye));
        let sees = move |at: Duration, lag: Duration| quick || now >= at.saturating_add(lag);
        self.keys.iter().filter(move |key| {
            let added = key.minted_at.is_none_or(|at| sees(at, lag.added));
            added && !key.removed_at.is_some_and(|at| sees(at, lag.removed))
        })
    }

    /// Whether a replica accepts a secret.
    pub(super) fn accepts(&self, secret: &Secret, quick: bool, clock: &dyn Clock) -> bool {
        self.known(Eye::SignIn, quick, clock)
            // By the wall clock, where lags go by elapsed time: setting the clock expires secrets and hurries no
            // replica.
            .filter(|key| key.issued.ends_at.is_none_or(|end| clock.now() < end))
            .any(|key| key.secret.same_as(secret))
    }

    /// Whether every replica accepts a secret.
    pub(super) fn accepted_everywhere(&self, secret: &Secret, clock: &dyn Clock) -> bool {
        self.accepts(secret, false, clock) && (!self.flapping || self.accepts(secret, true, clock))
    }
}
