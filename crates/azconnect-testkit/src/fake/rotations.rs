//! Rotations in memory, which end at once as a test says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, KeyId};
use azconnect_credential::{CheckReport, Expiry, IssuedKey, KeyHolder, SubjectId};
use azconnect_rotation::{
    Decision, Fate, HistoryEntry, PlannedKey, Problem, Resolution, RotationEvent, RotationHistory, RotationOperator,
    RotationOutcome, RotationPlan, Rotations, Target,
};
use uuid::Uuid;

/// How far from its end a secret is that was just rotated.
const FRESH: Duration = Duration::from_secs(90 * 86_400);

/// Rotations in memory, behind the ports that a product calls. No port of a target is asked; a rotation ends within the
/// call. A subject is not due until [`Rotator::make_due`]. Clones are the same rotations.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use azconnect_rotation::{RotationOutcome, Rotations, Target};
/// use azconnect_testkit::ManualClock;
/// use azconnect_testkit::fake::{Directory, Rotator};
///
/// let clock = Arc::new(ManualClock::new());
/// let directory = Directory::new(clock.clone());
/// let target = Target::new(directory.issuer(), directory.verifier());
///
/// let rotations = Rotator::new(clock);
/// assert!(matches!(rotations.rotate(&target).await?, RotationOutcome::NotDue { .. }));
/// rotations.make_due(target.subject());
/// assert!(matches!(rotations.rotate(&target).await?, RotationOutcome::Rotated { .. }));
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Rotator {
    clock: Arc<dyn Clock>,
    subjects: Arc<Mutex<BTreeMap<String, Known>>>,
}

/// When to look again at what a finding forbids.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

/// What is known of one subject.
#[derive(Default)]
struct Known {
    is_due: bool,
    is_taken: bool,
    checks: CheckReport,
    refusal: Option<Problem>,
    blocked: Option<Problem>,
    keys: u128,
    history: Vec<HistoryEntry>,
}

/// Whether a call may begin a rotation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    IfDue,
    Now,
    Never,
}

impl Rotator {
    /// A rotator under which no subject is due yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, subjects: Arc::default() }
    }

    /// Makes the next rotation of a subject due, until it was rotated.
    pub fn make_due(&self, subject: &SubjectId) {
        self.of(subject, |known| known.is_due = true);
    }

    /// Sets what a plan finds about a subject. A check that failed keeps a rotation from beginning.
    pub fn set_checks(&self, subject: &SubjectId, checks: CheckReport) {
        self.of(subject, |known| known.checks = checks);
    }

    /// Makes every rotation of a subject end as blocked for this reason, until [`Rotator::heal`].
    pub fn block(&self, subject: &SubjectId, problem: Problem) {
        self.of(subject, |known| known.refusal = Some(problem));
    }

    /// Removes the cause of a block. What is blocked stays so until a person unblocks it.
    pub fn heal(&self, subject: &SubjectId) {
        self.of(subject, |known| known.refusal = None);
    }

    /// Says whether another process works on a subject.
    pub fn set_taken(&self, subject: &SubjectId, taken: bool) {
        self.of(subject, |known| known.is_taken = taken);
    }

    fn of<T>(&self, subject: &SubjectId, use_it: impl FnOnce(&mut Known) -> T) -> T {
        use_it(self.subjects().entry(subject.to_string()).or_default())
    }

    fn subjects(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, target: &Target, start: Start) -> Result<RotationPlan, Error> {
        target.check()?;
        Ok(self.of(target.subject(), |known| self.plan_of(known, target, start)))
    }

    fn plan_of(&self, known: &Known, target: &Target, start: Start) -> RotationPlan {
        let now = self.clock.now();
        let lead = target.policy.rotate_before;
        let ends_at = if known.is_due { now + lead / 2 } else { now + lead + FRESH };
        let mut plan = RotationPlan::new(target.subject().clone(), now + target.policy.lifetime);
        plan.expiry = Expiry::of(Some(ends_at), now, lead);
        plan.due_at = Some(ends_at - lead);
        plan.checks.clone_from(&known.checks);
        let held = target.adopted.iter().copied().chain((known.keys > 0).then(|| key(known.keys)));
        plan.keys = held.map(|key| planned(key, ends_at)).collect();
        plan.decision = if known.blocked.is_some() {
            Decision::Resume
        } else if !known.is_due && start != Start::Now {
            Decision::NotDue
        } else if plan.blockers().is_empty() {
            Decision::Rotate
        } else {
            Decision::Refuse
        };
        plan
    }

    fn run(&self, target: &Target, start: Start) -> Result<RotationOutcome, Error> {
        target.check()?;
        self.of(target.subject(), |known| {
            if let Some(problem) = &known.blocked {
                return Ok(RotationOutcome::Blocked { problem: problem.clone(), run_again_at: None });
            }
            if start == Start::Never {
                return Ok(RotationOutcome::Idle { run_again_at: None });
            }
            let plan = self.plan_of(known, target, start);
            match plan.decision {
                Decision::NotDue => return Ok(RotationOutcome::NotDue { plan: Box::new(plan) }),
                Decision::Refuse => {
                    let run_again_at = self.clock.now() + REFUSED_FOR;
                    return Ok(RotationOutcome::Refused { plan: Box::new(plan), run_again_at });
                }
                // After the plan, as the real one: what is not due or refused is told without a lease.
                _ => free(known)?,
            }
            self.record(
                known,
                &RotationEvent::Begun {
                    rotation: Uuid::from_u128(known.keys).to_string(),
                    title: plan.title.clone(),
                    policy: target.policy.clone(),
                    sinks: Vec::new(),
                    retire: plan.retire(),
                    ends_at: plan.ends_at,
                    holders: BTreeMap::new(),
                    without_consumers: target.without_consumers,
                },
            );
            Ok(self.end(known, target))
        })
    }

    /// Ends the rotation that was begun.
    fn end(&self, known: &mut Known, target: &Target) -> RotationOutcome {
        if let Some(problem) = known.refusal.clone() {
            self.record(known, &RotationEvent::Blocked { problem: problem.clone() });
            known.blocked = Some(problem.clone());
            return RotationOutcome::Blocked { problem, run_again_at: None };
        }
        known.keys += 1;
        known.is_due = false;
        self.record(known, &RotationEvent::CutOver);
        self.record(known, &RotationEvent::Rotated);
        let run_again_at = Some(self.clock.now() + target.policy.lifetime - target.policy.rotate_before);
        RotationOutcome::Rotated { key: Some(key(known.keys)), run_again_at }
    }

    fn record(&self, known: &mut Known, event: &RotationEvent) {
        known.history.push(HistoryEntry::new(self.clock.now(), event));
    }
}

/// Refuses a subject that another process works on.
fn free(known: &Known) -> Result<(), Error> {
    if !known.is_taken {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, "another process works on this subject")
        .with_effect(Effect::None)
        .with_advice("leave it to that one, or resume when its lease has run out"))
}

/// The key that the n-th rotation made.
fn key(number: u128) -> KeyId {
    Uuid::from_u128(0xfa4e_0000_0000_4000_9000_0000_0000_0000 + number).into()
}

fn planned(key: KeyId, ends_at: time::OffsetDateTime) -> PlannedKey {
    PlannedKey::new(IssuedKey::new(key, KeyHolder::Application).with_validity(None, Some(ends_at)), Fate::Retire)
}

#[async_trait]
impl Rotations for Rotator {
    async fn plan(&self, target: &Target) -> Result<RotationPlan, Error> {
        self.look(target, Start::IfDue)
    }

    async fn rotate(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::IfDue)
    }

    async fn resume(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::Never)
    }
}

#[async_trait]
impl RotationOperator for Rotator {
    async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error> {
        self.look(target, Start::Now)
    }

    async fn rotate_now(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::Now)
    }

    async fn resolve(&self, target: &Target, resolution: Resolution) -> Result<RotationOutcome, Error> {
        target.check()?;
        self.of(target.subject(), |known| {
            if known.blocked.is_none() {
                return Ok(RotationOutcome::Idle { run_again_at: None });
            }
            free(known)?;
            known.blocked = None;
            let event = match resolution {
                Resolution::LeaveOut(sink) => RotationEvent::SinkLeftOut { sink },
                Resolution::TakeAsIs => RotationEvent::TakenAsIs { sinks: Vec::new() },
                Resolution::Abandon => {
                    self.record(known, &RotationEvent::Abandoned);
                    return Ok(RotationOutcome::Abandoned { run_again_at: Some(self.clock.now()) });
                }
                _ => RotationEvent::Unblocked,
            };
            self.record(known, &event);
            Ok(self.end(known, target))
        })
    }

    async fn disconnect(&self, subject: &SubjectId) -> Result<(), Error> {
        self.of(subject, |known| {
            free(known)?;
            if known.history.is_empty() {
                return Ok(());
            }
            if known.blocked.take().is_some() {
                self.record(known, &RotationEvent::Abandoned);
            }
            self.record(known, &RotationEvent::Disconnected);
            known.keys = 0;
            Ok(())
        })
    }
}

#[async_trait]
impl RotationHistory for Rotator {
    async fn history(&self, subject: &SubjectId) -> Result<Vec<HistoryEntry>, Error> {
        Ok(self.subjects().get(subject.as_str()).map(|known| known.history.clone()).unwrap_or_default())
    }

    async fn unfinished(&self) -> Result<Vec<SubjectId>, Error> {
        let subjects = self.subjects();
        subjects.iter().filter(|(_, known)| known.blocked.is_some()).map(|(name, _)| SubjectId::new(name)).collect()
    }
}

impl fmt::Debug for Rotator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotator").field("subjects", &self.subjects().len()).finish_non_exhaustive()
    }
}
