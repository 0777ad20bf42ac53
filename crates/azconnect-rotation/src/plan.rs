//! What a rotation would do, and what stands in its way. Reads only.

mod checks;
mod destination;

use std::collections::BTreeMap;
use std::time::Duration;

use azconnect_core::{Clock, Error, KeyId};
use azconnect_credential::{
    Check, CheckReport, Expiry, FoundConsumers, Inventory, IssuedKey, KeyHolder, Marker, SinkId, SinkReport, SubjectId,
};
use azconnect_saga::within;
use futures_util::StreamExt;
use serde::Serialize;
use time::OffsetDateTime;

use crate::event::SinkTerms;
use crate::moment::{earlier, later};
use crate::state::{Course, Rotation, RotationState};
use crate::target::{SinkBinding, Target};

/// What a run would do with the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// A rotation is due and can begin.
    Rotate,
    /// A rotation is under way and goes on.
    Resume,
    /// No key of ours is within `rotate_before` of its end.
    NotDue,
    /// A rotation is due, and a check that failed keeps it from beginning.
    Refuse,
}

/// What becomes of a key of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fate {
    /// It is ours or was adopted: it goes when the new one is in place.
    Retire,
    /// It is the new secret of the rotation under way: it stays.
    New,
    /// It is being removed already.
    Going,
    /// It is not ours and was not adopted: it stays.
    Keep,
}

/// A key, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlannedKey {
    /// The key as the issuer lists it.
    pub issued: IssuedKey,
    /// Whether the rotation removes it.
    pub fate: Fate,
}

impl PlannedKey {
    /// A key, and what becomes of it.
    pub fn new(issued: IssuedKey, fate: Fate) -> Self {
        Self { issued, fate }
    }
}

/// A consumer, as a look found it before anything began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlannedSink {
    /// Its stable name, such as that of a service connection.
    pub sink: SinkId,
    /// What it is, and what was found.
    pub report: SinkReport,
    /// Whether the old secret stays until this consumer has proof.
    pub required: bool,
    /// Whether the receipt of a push counts as proof where verification is inconclusive.
    pub accept_receipt: bool,
    /// The host that its secret may go to, where the consumer is told that by somebody else: as agreed, or as found where
    /// nothing was agreed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// What a rotation would do. Making it has no effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RotationPlan {
    /// The credential that would be rotated, such as an application.
    pub subject: SubjectId,
    /// What the subject is, in words for a person.
    pub title: String,
    /// What a run would do.
    pub decision: Decision,
    /// How near its end that one of our keys is which ends first.
    pub expiry: Expiry,
    /// From when on a rotation is due, where that is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// The keys of the subject, as the issuer lists them, and those of ours that it does not list.
    pub keys: Vec<PlannedKey>,
    /// The bound consumers, as a look found them.
    pub sinks: Vec<PlannedSink>,
    /// What was looked at about the subject itself.
    pub checks: CheckReport,
    /// When a secret that is minted now would end.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
}

impl RotationPlan {
    /// A plan in which nothing is due and nothing was found, for other implementations of
    /// [`Rotations`](crate::Rotations). Its title is the subject's name.
    pub fn new(subject: SubjectId, ends_at: OffsetDateTime) -> Self {
        Self {
            title: subject.to_string(),
            subject,
            decision: Decision::NotDue,
            expiry: Expiry::Unknown,
            due_at: None,
            keys: Vec::new(),
            sinks: Vec::new(),
            checks: CheckReport::default(),
            ends_at,
        }
    }

    /// All checks of the subject and its consumers, each with the title of what it is about. Those that failed come
    /// first, then warnings.
    pub fn all_checks(&self) -> Vec<(&str, &Check)> {
        let mut all: Vec<_> = self.own_checks().chain(self.sinks.iter().flat_map(PlannedSink::checks)).collect();
        all.sort_by_key(|(_, check)| std::cmp::Reverse((check.blocks(), check.is_advisory)));
        all
    }

    /// The failed checks that keep a rotation from beginning: those of the subject, and of required consumers.
    pub fn blockers(&self) -> Vec<(&str, &Check)> {
        let required = self.sinks.iter().filter(|sink| sink.required).flat_map(PlannedSink::checks);
        self.own_checks().chain(required).filter(|(_, check)| check.blocks()).collect()
    }

    fn own_checks(&self) -> impl Iterator<Item = (&str, &Check)> {
        self.checks.iter().map(|check| (self.title.as_str(), check))
    }

    /// The public ids of the keys that the rotation would remove.
    pub fn retire(&self) -> Vec<KeyId> {
        self.keys.iter().filter(|key| key.fate == Fate::Retire).map(|key| key.issued.key).collect()
    }

    /// The consumers that take part. An optional one that cannot take a secret is left out.
    pub(crate) fn terms(&self) -> Vec<SinkTerms> {
        self.sinks.iter().filter_map(PlannedSink::terms).collect()
    }

    /// What holds the keys to be removed, of those that are listed.
    pub(crate) fn holders(&self, inventory: &Inventory) -> BTreeMap<KeyId, KeyHolder> {
        self.retire().into_iter().filter_map(|key| Some((key, inventory.key(key)?.holder))).collect()
    }
}

impl PlannedSink {
    fn checks(&self) -> impl Iterator<Item = (&str, &Check)> {
        self.report.checks.iter().map(|check| (self.report.title.as_str(), check))
    }

    fn terms(&self) -> Option<SinkTerms> {
        (self.required || self.report.accepts()).then(|| SinkTerms {
            sink: self.sink.clone(),
            title: self.report.title.clone(),
            required: self.required,
            accept_receipt: self.accept_receipt,
            destination: self.destination.clone(),
        })
    }
}

/// How a look at the world is taken: with a time limit for each call, and so many consumers at once.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) target: &'a Target,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) time_limit: Duration,
    pub(crate) at_once: usize,
}

/// A plan, and the inventory that it was made from.
pub(crate) struct Looked {
    pub(crate) plan: RotationPlan,
    pub(crate) inventory: Inventory,
    /// How long a secret that is minted now would live.
    pub(crate) lifetime: Duration,
}

/// How the bound consumers differ from the terms of a rotation.
pub(crate) struct Rebound {
    /// Those that were bound after it began.
    pub(crate) joined: Vec<SinkTerms>,
    /// Those whose terms were changed.
    pub(crate) changed: Vec<SinkTerms>,
}

impl Look<'_> {
    /// Compares the bound consumers with the terms of a rotation. Reads only.
    pub(crate) async fn rebound(self, state: &RotationState, rotation: &Rotation) -> Rebound {
        let known = |id: &SinkId| rotation.sinks.iter().find(|sink| sink.terms.sink == *id);
        let new: Vec<_> = self.target.sinks.iter().filter(|binding| known(binding.sink.id()).is_none()).collect();
        let joined = self.inspect(&new, state).await.iter().filter_map(PlannedSink::terms).collect();
        let changed = self.target.sinks.iter().filter_map(|binding| {
            let mut terms = known(binding.sink.id())?.terms.clone();
            let before = terms.clone();
            (terms.required, terms.accept_receipt) = (binding.required, binding.accept_receipt);
            terms.destination = binding.destination.clone().or(terms.destination);
            (before != terms).then_some(terms)
        });
        Rebound { joined, changed: changed.collect() }
    }

    /// Looks at everything at once and says what would be done. `force` makes a rotation due.
    pub(crate) async fn plan(self, state: &RotationState, force: bool) -> Result<Looked, Error> {
        let target = self.target;
        target.check()?;
        let bindings: Vec<_> = target.sinks.iter().collect();
        let (inventory, sinks, found) =
            futures_util::future::join3(self.inventory(), self.inspect(&bindings, state), self.found()).await;
        let inventory = inventory?;
        let now = self.clock.now();
        let keys = planned_keys(target, state, &inventory);
        let goes = |key: &&PlannedKey| key.fate == Fate::Retire;
        let ours = keys.iter().filter(goes).filter_map(|key| key.issued.ends_at).min();
        let expiry = Expiry::of(ours, now, target.policy.rotate_before);
        let (lifetime, too_short) = match target.policy.lifetime_within(inventory.max_lifetime) {
            Ok(lifetime) => (lifetime, None),
            Err(fault) => (target.policy.lifetime, Some(checks::too_short(fault))),
        };
        let mut report = inventory.checks.clone();
        report.extend(too_short);
        let facts =
            checks::Facts { target, state, inventory: &inventory, keys: &keys, sinks: &sinks, found: &found, now };
        report.extend(facts.checks());
        let mut plan = RotationPlan {
            subject: target.subject().clone(),
            title: inventory.title.clone(),
            decision: Decision::NotDue,
            expiry,
            due_at: ours.map(|end| earlier(end, target.policy.rotate_before)),
            keys,
            sinks,
            checks: report,
            ends_at: later(now, lifetime),
        };
        plan.decision = decision(&plan, state, force);
        Ok(Looked { plan, inventory, lifetime })
    }

    async fn inventory(self) -> Result<Inventory, Error> {
        within(self.clock, self.time_limit, "the issuer's inventory", self.target.issuer.inventory()).await?
    }

    /// Everybody who uses the secret, as far as that can be found out.
    async fn found(self) -> Result<FoundConsumers, Error> {
        match &self.target.finder {
            Some(finder) => within(self.clock, self.time_limit, "the search for consumers", finder.consumers()).await?,
            None => Ok(FoundConsumers::default()),
        }
    }

    async fn inspect(self, bindings: &[&SinkBinding], state: &RotationState) -> Vec<PlannedSink> {
        // Made before the first is polled: a closure that the stream kept would not be `Send` for every lifetime.
        let looks: Vec<_> = bindings.iter().map(|binding| self.inspect_one(binding, state)).collect();
        futures_util::stream::iter(looks).buffered(self.at_once.max(1)).collect().await
    }

    async fn inspect_one(self, binding: &SinkBinding, state: &RotationState) -> PlannedSink {
        let looked = within(self.clock, self.time_limit, "the look at the consumer", binding.sink.inspect()).await;
        let mut report = looked.and_then(|report| report).unwrap_or_else(|error| {
            let check = Check::failed_by("not-readable", "consumer", &error);
            SinkReport::new(binding.sink.id().to_string()).with_checks(CheckReport::from(vec![check]))
        });
        let agreed = destination::agreed(binding, state);
        report.checks.extend(destination::changed(agreed.as_deref(), &report));
        PlannedSink {
            sink: binding.sink.id().clone(),
            destination: agreed.or_else(|| report.destination.clone()),
            report,
            required: binding.required,
            accept_receipt: binding.accept_receipt,
        }
    }
}

fn decision(plan: &RotationPlan, state: &RotationState, force: bool) -> Decision {
    if state.rotation.is_some() {
        return Decision::Resume;
    }
    match plan.expiry {
        Expiry::Fresh { .. } if !force => Decision::NotDue,
        _ if plan.blockers().is_empty() => Decision::Rotate,
        _ => Decision::Refuse,
    }
}

/// The keys that are listed, and those of our ledger that this read does not show.
fn planned_keys(target: &Target, state: &RotationState, inventory: &Inventory) -> Vec<PlannedKey> {
    let fate = |key: &KeyId, name: Option<&str>| fate(target, state, *key, name);
    let listed = inventory
        .keys
        .iter()
        .map(|issued| PlannedKey { issued: issued.clone(), fate: fate(&issued.key, issued.display_name.as_deref()) });
    // A read may come from a replica that lags behind, so a key of ours that it does not list is still retired.
    let minted = state.ledger.iter().filter(|(_, known)| known.marker.is_some());
    let unlisted = minted.filter(|(key, _)| inventory.key(**key).is_none()).map(|(key, known)| PlannedKey {
        issued: IssuedKey::new(*key, known.holder.unwrap_or(KeyHolder::Application))
            .with_display_name(known.marker.as_ref().map_or("", Marker::as_str))
            .with_validity(None, known.ends_at),
        fate: fate(key, None),
    });
    listed.chain(unlisted).collect()
}

fn fate(target: &Target, state: &RotationState, key: KeyId, name: Option<&str>) -> Fate {
    let rotation = state.rotation.as_ref();
    if state.removals.contains_key(&key) || name.is_some_and(|name| state.is_stray(key, name)) {
        return Fate::Going;
    }
    if rotation.is_some_and(|known| name.is_some_and(|name| known.is_asked_for(name))) {
        return Fate::New;
    }
    if let Some(rotation) = rotation.filter(|known| known.new_key().is_some_and(|new| new.key == key)) {
        return if matches!(rotation.course, Course::Back { .. }) { Fate::Going } else { Fate::New };
    }
    // A key that was adopted for an earlier run and is not any more stays, whatever the rotation under way began with.
    let minted = state.ledger.get(&key).is_some_and(|known| known.marker.is_some());
    let retired = rotation.is_none_or(|known| known.retire.contains(&key));
    if retired && (minted || target.adopted.contains(&key)) { Fate::Retire } else { Fate::Keep }
}
