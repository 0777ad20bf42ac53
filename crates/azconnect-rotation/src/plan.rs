//! What a rotation would do, and what stands in its way. Reads only.

use azconnect_core::{Clock, Error, KeyId};
use azconnect_credential::{
    Check, CheckReport, Expiry, Inventory, IssuedKey, KeyHolder, SinkId, SinkReport, SubjectId,
};
use futures_util::future::join_all;
use serde::Serialize;
use time::OffsetDateTime;

use crate::event::SinkTerms;
use crate::state::{Rotation, RotationState};
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
        })
    }
}

/// The terms of the consumers that were bound after the rotation began. Reads only.
pub(crate) async fn newly_bound(target: &Target, rotation: &Rotation) -> Vec<SinkTerms> {
    let known = |binding: &&SinkBinding| rotation.sinks.iter().any(|sink| sink.terms.sink == *binding.sink.id());
    let sinks = join_all(target.sinks.iter().filter(|binding| !known(binding)).map(inspect)).await;
    sinks.iter().filter_map(PlannedSink::terms).collect()
}

/// Looks at everything at once and says what would be done. `force` makes a rotation due.
pub(crate) async fn plan(
    target: &Target,
    state: &RotationState,
    clock: &dyn Clock,
    force: bool,
) -> Result<RotationPlan, Error> {
    target.check()?;
    let sinks = join_all(target.sinks.iter().map(inspect));
    let (inventory, sinks) = futures_util::future::join(target.issuer.inventory(), sinks).await;
    let inventory = inventory?;
    let now = clock.now();
    let keys = planned_keys(target, state, &inventory);
    let ours = keys.iter().filter(|key| key.fate == Fate::Retire).filter_map(|key| key.issued.ends_at).min();
    let expiry = Expiry::of(ours, now, target.policy.rotate_before);
    let (lifetime, too_short) = match target.policy.lifetime_within(inventory.max_lifetime) {
        Ok(lifetime) => (lifetime, None),
        Err(fault) => {
            let check =
                Check::failed_by("lifetime-too-short", "life of secrets", &fault.into()).with_cause(fault.to_string());
            (target.policy.lifetime, Some(check))
        }
    };
    let mut checks = inventory.checks.clone();
    checks.extend(too_short);
    checks.extend(subject_checks(target, &inventory, &keys, &sinks));
    let mut plan = RotationPlan {
        subject: target.subject().clone(),
        title: inventory.title.clone(),
        decision: Decision::NotDue,
        expiry,
        due_at: ours.map(|end| end - target.policy.rotate_before),
        keys,
        sinks,
        checks,
        ends_at: now + lifetime,
    };
    plan.decision = decision(&plan, state, force);
    Ok(plan)
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

async fn inspect(binding: &SinkBinding) -> PlannedSink {
    let report = binding.sink.inspect().await.unwrap_or_else(|error| {
        let check = Check::failed_by("not-readable", "consumer", &error);
        SinkReport::new(binding.sink.id().to_string()).with_checks(CheckReport::from(vec![check]))
    });
    PlannedSink {
        sink: binding.sink.id().clone(),
        report,
        required: binding.required,
        accept_receipt: binding.accept_receipt,
    }
}

/// The keys that are listed, and those of our ledger that this read does not show.
fn planned_keys(target: &Target, state: &RotationState, inventory: &Inventory) -> Vec<PlannedKey> {
    let ours = |key: &KeyId| state.ledger.contains_key(key) || target.adopted.contains(key);
    let fate = |key: &KeyId| if ours(key) { Fate::Retire } else { Fate::Keep };
    let listed = inventory.keys.iter().map(|issued| PlannedKey { issued: issued.clone(), fate: fate(&issued.key) });
    // A read may come from a replica that lags behind, so a key of ours that it does not list is still retired.
    let unlisted =
        state.ledger.iter().filter(|(key, _)| inventory.key(**key).is_none()).map(|(key, entry)| PlannedKey {
            issued: IssuedKey::new(*key, KeyHolder::Application)
                .with_display_name(entry.marker.as_ref().map_or("", azconnect_credential::Marker::as_str))
                .with_validity(None, entry.ends_at),
            fate: Fate::Retire,
        });
    listed.chain(unlisted).collect()
}

fn subject_checks(target: &Target, inventory: &Inventory, keys: &[PlannedKey], sinks: &[PlannedSink]) -> CheckReport {
    let mut checks = CheckReport::new();
    let on_application = inventory.keys.iter().filter(|key| key.holder != KeyHolder::ServicePrincipal).count();
    if let Some(limit) = inventory.key_limit.filter(|limit| on_application >= *limit) {
        checks.push(Check::failed(
            "no-room-for-a-key",
            "room for a key",
            format!("it holds {on_application} secrets, and may hold {limit} at once"),
            "remove a secret that nobody uses, so that the old and the new one can live side by side",
        ));
    }
    if inventory.issuer_signs_in_with_these && !sinks.iter().any(|sink| sink.required && sink.report.is_issuers_own) {
        checks.push(Check::failed(
            "own-credential-unbound",
            "the orchestrator's own credential",
            "the orchestrator itself signs in with a secret of this application",
            "bind the orchestrator's own credential as a required consumer, or rotate with another application",
        ));
    }
    for key in target.adopted.iter().filter(|key| inventory.key(**key).is_none()) {
        checks.push(
            Check::unknown(
                "adopted-key-missing",
                "adopted keys",
                format!("the adopted key {key} is not listed"),
                "check the key id; it may have been removed already",
            )
            .as_warning(),
        );
    }
    if !keys.iter().any(|key| key.fate == Fate::Retire) {
        checks.push(
            Check::passed(
                "nothing-to-retire",
                "keys to retire",
                "no secret of it is ours or adopted, so none will be removed",
            )
            .with_remedy("adopt the key that the consumers hold now, if it should go after the rotation"),
        );
    }
    if target.sinks.is_empty() {
        checks.push(
            Check::passed("no-consumer", "consumers", "nobody would receive the new secret")
                .with_remedy("bind the consumers of the secret: whoever is not bound keeps the old one")
                .as_warning(),
        );
    }
    checks
}
