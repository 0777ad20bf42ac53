//! Performs what [`decide`](crate::decide) says, one durable event after the other.

mod issue;
mod operate;
mod rebind;
mod retire;
mod serve;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Error, Journal, Lease, SecretStore, Sequence};
use azconnect_credential::SubjectId;
use azconnect_saga::{Claim, SessionPorts, within};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::decide::{Action, decide};
use crate::event::RotationEvent;
use crate::history::HistoryEntry;
use crate::moment::{between, later};
use crate::naming::STREAM_PREFIX;
use crate::observer::{Observer, Unobserved};
use crate::outcome::RotationOutcome;
use crate::plan::{Decision, Look, RotationPlan};
use crate::saga::{RotationSaga, stream_of};
use crate::state::RotationState;
use crate::target::Target;
use crate::waiting::WaitingFor;
use writer::Writer;

/// What the holder of a lease is called, for the person who asks who has it.
const HOLDER: &str = "rotator";

/// How much longer a call may take that changes nothing: one that is answered late does no harm.
const READS_TAKE: u32 = 4;

/// When to look again at what a person has to put right.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

/// The ports a rotation is written to.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// Keeps the events of every rotation, one stream a subject.
    pub journal: Arc<dyn Journal>,
    /// Keeps new secrets sealed, under names that the journal holds.
    pub secrets: Arc<dyn SecretStore>,
    /// Lets one session at a time work on a subject.
    pub lease: Arc<dyn Lease>,
    /// Shows the time that events carry, and sleeps.
    pub clock: Arc<dyn Clock>,
}

impl Ports {
    /// The four ports, which a rotator uses for every target.
    pub fn new(
        journal: Arc<dyn Journal>,
        secrets: Arc<dyn SecretStore>,
        lease: Arc<dyn Lease>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { journal, secrets, lease, clock }
    }

    fn session(&self) -> SessionPorts {
        SessionPorts::new(self.journal.clone(), self.lease.clone(), self.clock.clone())
    }
}

/// Rotates secrets. Cheap to clone; the same one serves any number of targets, one after the other or at once.
///
/// A run may be killed at any moment: the next one, in this or another process, goes on from the journal.
#[derive(Clone)]
pub struct Rotator {
    ports: Ports,
    observer: Arc<dyn Observer>,
    term: Duration,
    patience: Duration,
    call_deadline: Duration,
    fan_out: usize,
    ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
}

impl Rotator {
    /// A rotator that holds leases of 60 seconds, gives a call 45 seconds, asks 8 consumers at once, and waits for up to
    /// 2 minutes by itself.
    pub fn new(ports: Ports) -> Self {
        Self {
            ports,
            observer: Arc::new(Unobserved),
            term: Duration::from_secs(60),
            patience: Duration::from_secs(120),
            call_deadline: Duration::from_secs(45),
            fan_out: 8,
            ids: Arc::new(Uuid::new_v4),
        }
    }

    /// Sets the observer that is told of every recorded event and every wait.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets the term of a lease: how long another process waits after this one was killed.
    #[must_use]
    pub fn with_lease_term(mut self, term: Duration) -> Self {
        self.term = term;
        self
    }

    /// Sets how long a run waits by itself before it returns [`RotationOutcome::Waiting`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long a call that changes something may take; one that only reads may take four times as long. At most three
    /// quarters of the lease's term are granted, so that whatever a suspended process still does is over before another
    /// one takes over.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// Sets how many consumers are asked at once.
    #[must_use]
    pub fn with_fan_out(mut self, consumers: usize) -> Self {
        self.fan_out = consumers;
        self
    }

    /// Sets where unique names come from, for a test that is to be repeated exactly. Two rotators must never draw the same.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Fn() -> Uuid + Send + Sync>) -> Self {
        self.ids = ids;
        self
    }

    /// Looks at everything and says what [`Rotator::rotate`] would do. No effect.
    ///
    /// # Errors
    /// If the policy does not hold, the journal cannot be read, or the issuer does not answer.
    pub async fn plan(&self, target: &Target) -> Result<RotationPlan, Error> {
        let (state, _) = self.state(target.subject()).await?;
        Ok(self.look(target).plan(&state, false).await?.plan)
    }

    /// As [`Rotator::plan`], for [`Rotator::rotate_now`].
    ///
    /// # Errors
    /// See [`Rotator::plan`].
    pub async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error> {
        let (state, _) = self.state(target.subject()).await?;
        Ok(self.look(target).plan(&state, true).await?.plan)
    }

    /// Goes on with the rotation under way, or begins one if it is due and nothing forbids it.
    ///
    /// # Errors
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) while another process works on the subject or after it took
    /// over; else if a port fails. Whatever was recorded stays, and the next run goes on from there.
    ///
    /// # Cancel safety
    /// May be dropped at any moment, like a killed process; the next run goes on.
    pub async fn rotate(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::IfDue).await
    }

    /// As [`Rotator::rotate`], due or not.
    ///
    /// # Errors
    /// See [`Rotator::rotate`].
    pub async fn rotate_now(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::Now).await
    }

    /// Goes on with what is under way, and begins nothing.
    ///
    /// # Errors
    /// See [`Rotator::rotate`].
    pub async fn resume(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::Never).await
    }

    /// What is known about a subject, and the position in the journal up to which it was read. Needs no lease.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn state(&self, subject: &SubjectId) -> Result<(RotationState, Sequence), Error> {
        let stream = stream_of(subject)?;
        let read = azconnect_saga::read::<RotationSaga>(&*self.ports.journal, &stream);
        let snapshot = within(self.clock(), self.read_limit(), "the journal", read).await??;
        Ok((snapshot.state, snapshot.sequence))
    }

    /// The events of a subject, in order.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn events(&self, subject: &SubjectId) -> Result<Vec<(OffsetDateTime, RotationEvent)>, Error> {
        let stream = stream_of(subject)?;
        let history = azconnect_saga::history::<RotationSaga>(&*self.ports.journal, &stream);
        let happened = within(self.clock(), self.read_limit(), "the journal", history).await??;
        Ok(happened.into_iter().map(|one| (one.at, one.event)).collect())
    }

    /// Everything that happened to a subject, in order, in words for a page or a report.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn history(&self, subject: &SubjectId) -> Result<Vec<HistoryEntry>, Error> {
        let events = self.events(subject).await?;
        Ok(events.iter().map(|(at, event)| HistoryEntry::new(*at, event)).collect())
    }

    /// Compares every checkpoint of a subject's stream with the events before it, and returns how many there are. For a test
    /// of a journal, or after one was restored.
    ///
    /// # Errors
    /// [`Corrupt`](azconnect_core::ErrorKind::Corrupt) for one that says something else than the events; else what the
    /// journal says.
    pub async fn audit(&self, subject: &SubjectId) -> Result<usize, Error> {
        let stream = stream_of(subject)?;
        let audit = azconnect_saga::audit::<RotationSaga>(&*self.ports.journal, &stream);
        within(self.clock(), self.read_limit(), "the journal", audit).await?
    }

    /// The subjects with something left to do.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<SubjectId>, Error> {
        let streams = within(self.clock(), self.read_limit(), "the journal", self.ports.journal.unfinished()).await??;
        streams.iter().filter_map(|stream| stream.as_str().strip_prefix(STREAM_PREFIX)).map(SubjectId::new).collect()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.ports.clock
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    fn look<'a>(&'a self, target: &'a Target) -> Look<'a> {
        Look { target, clock: self.clock(), time_limit: self.read_limit(), at_once: self.fan_out }
    }

    fn claim(&self, subject: &SubjectId) -> Result<Claim, Error> {
        let claim = Claim::new(stream_of(subject)?)?.with_term(self.term).with_holder(HOLDER);
        Ok(claim.with_call_deadline(self.effect_limit()))
    }

    /// How long a call may take that changes nothing.
    fn read_limit(&self) -> Duration {
        self.effect_limit().saturating_mul(READS_TAKE)
    }

    /// How long a call that changes something may take.
    fn effect_limit(&self) -> Duration {
        self.call_deadline.min(self.term.saturating_mul(3) / 4)
    }

    async fn run(&self, target: &Target, start: Start) -> Result<RotationOutcome, Error> {
        target.check()?;
        let (state, _) = self.state(target.subject()).await?;
        // Looked at before the lease is taken: most runs find nothing to do.
        if let Some(outcome) = self.without_lease(target, &state, start).await? {
            return Ok(outcome);
        }
        let writer = Writer::open(self, target).await?;
        // One guard around all of it: the lease is kept whatever the run waits for.
        let outcome = writer.guard(self.work(&writer, start)).await;
        writer.close().await;
        outcome?
    }

    /// The outcome, where nothing is to be done.
    async fn without_lease(
        &self,
        target: &Target,
        state: &RotationState,
        start: Start,
    ) -> Result<Option<RotationOutcome>, Error> {
        if let Some(outcome) = self.still_waits(state) {
            return Ok(Some(outcome));
        }
        if !state.is_at_rest() {
            return Ok(None);
        }
        if start == Start::Never {
            return Ok(Some(RotationOutcome::Idle { run_again_at: state.due_at(&target.policy) }));
        }
        let plan = self.look(target).plan(state, start == Start::Now).await?.plan;
        Ok(match plan.decision {
            Decision::NotDue => Some(RotationOutcome::NotDue { plan: Box::new(plan) }),
            Decision::Refuse => Some(self.refused(plan)),
            Decision::Rotate | Decision::Resume => self.held_off(target, state, start),
        })
    }

    /// The outcome, where what is under way can do nothing before a moment that this run does not wait for, or before a
    /// person says what. Nothing is written then, however often a scheduler asks.
    fn still_waits(&self, state: &RotationState) -> Option<RotationOutcome> {
        let now = self.ports.clock.now();
        // Behind the journal, this clock does not tell when: the session's does.
        let behind = state.recorded_at.is_some_and(|at| at > now);
        if behind || (state.rotation.is_none() && state.stuck().is_none()) {
            return None;
        }
        match decide(state, now) {
            Action::Rest => Some(blocked(state.rotation.as_ref()?.blocked()?.clone(), None)),
            Action::Wait { until, .. } if needs_a_person(state) => Some(self.waits_for_a_person(state, until)),
            Action::Wait { until, what, why } if between(now, until) > self.patience => {
                Some(RotationOutcome::Waiting { until, what, why })
            }
            _ => None,
        }
    }

    /// The outcome while nothing is begun by itself, after rotations that were rolled back.
    fn held_off(&self, target: &Target, state: &RotationState, start: Start) -> Option<RotationOutcome> {
        let until = state.backs_off_until().filter(|_| start == Start::IfDue)?;
        let problem = state.last.as_ref().and_then(|last| last.rolled_back.clone())?;
        // An outage ends by itself. Anything else that undoes one rotation after the other needs a person.
        if state.setbacks >= target.policy.attempts && !problem.is_outage() {
            return Some(blocked(problem, None));
        }
        if until <= self.ports.clock.now() {
            return None;
        }
        Some(RotationOutcome::Waiting { until, what: WaitingFor::Backoff, why: problem.to_string() })
    }

    fn refused(&self, plan: RotationPlan) -> RotationOutcome {
        let run_again_at = later(self.ports.clock.now(), REFUSED_FOR);
        RotationOutcome::Refused { plan: Box::new(plan), run_again_at }
    }

    async fn work(&self, writer: &Writer<'_>, start: Start) -> Result<RotationOutcome, Error> {
        if !writer.state().is_at_rest() {
            writer.append(vec![RotationEvent::Resumed]).await?;
        }
        self.go_on(writer, start).await
    }

    /// Begins a rotation where one may begin, and does what can be done.
    async fn go_on(&self, writer: &Writer<'_>, start: Start) -> Result<RotationOutcome, Error> {
        let state = writer.state();
        let may_begin = state.rotation.is_none() && matches!(start, Start::IfDue | Start::Now);
        // What is left over and cannot be cleaned up comes first: it may be alive, and with two more there were three.
        if may_begin && state.stuck().is_none() && self.held_off(writer.target, &state, start).is_none() {
            // Planned again under the lease: another process may have rotated since the first look.
            let looked = self.look(writer.target).plan(&state, start == Start::Now).await?;
            writer.retire_strays(&looked.inventory).await?;
            let plan = &looked.plan;
            match plan.decision {
                Decision::Rotate => writer.begin(&looked).await?,
                // What is left of an earlier rotation is still looked after.
                _ if !writer.state().is_at_rest() => {}
                Decision::Refuse => return Ok(self.refused(looked.plan)),
                _ => return Ok(RotationOutcome::NotDue { plan: Box::new(looked.plan) }),
            }
        }
        writer.rebind().await?;
        self.drive(writer).await
    }

    async fn drive(&self, writer: &Writer<'_>) -> Result<RotationOutcome, Error> {
        let began_with_rotation = writer.state().rotation.is_some();
        let mut new_key = None;
        loop {
            let state = writer.state();
            if let Some(rotation) = &state.rotation {
                new_key = rotation.new_key().map(|new| new.key);
            // An orphan watch may go on for an hour. It is left to a later run, whose time the outcome names.
            } else if began_with_rotation && state.removals.is_empty() && state.forget.is_empty() {
                return Ok(self.ended(writer, &state, new_key));
            }
            match decide(&state, writer.now()) {
                Action::Rest => return Ok(self.rests(writer, &state)),
                Action::Wait { until, .. } if needs_a_person(&state) => {
                    return Ok(self.waits_for_a_person(&state, until));
                }
                Action::Wait { until, what, why } => {
                    let pause = between(writer.now(), until);
                    if pause > self.patience {
                        return Ok(RotationOutcome::Waiting { until, what, why });
                    }
                    self.observer.waiting(writer.target.subject(), until, &why);
                    self.ports.clock.sleep(pause).await;
                }
                _ => writer.perform().await?,
            }
        }
    }

    fn rests(&self, writer: &Writer<'_>, state: &RotationState) -> RotationOutcome {
        match state.rotation.as_ref().and_then(|rotation| rotation.blocked()) {
            Some(problem) => blocked(problem.clone(), None),
            None => RotationOutcome::Idle { run_again_at: state.due_at(&writer.target.policy) },
        }
    }

    fn waits_for_a_person(&self, state: &RotationState, until: OffsetDateTime) -> RotationOutcome {
        let problem =
            state.rotation.as_ref().and_then(|rotation| rotation.blocked().cloned()).or_else(|| state.stuck());
        match problem {
            Some(problem) => blocked(problem, Some(until)),
            None => RotationOutcome::Idle { run_again_at: Some(until) },
        }
    }

    fn ended(&self, writer: &Writer<'_>, state: &RotationState, key: Option<azconnect_core::KeyId>) -> RotationOutcome {
        let next_look = state.watch.values().map(|watch| watch.next_at).min();
        match state.last.as_ref().and_then(|last| last.rolled_back.clone()) {
            Some(problem) => {
                let run_again_at = state.backs_off_until().into_iter().chain(next_look).min();
                RotationOutcome::RolledBack { problem, run_again_at }
            }
            None => {
                let run_again_at = state.due_at(&writer.target.policy).into_iter().chain(next_look).min();
                RotationOutcome::Rotated { key, run_again_at }
            }
        }
    }
}

/// Whether a run may begin a rotation, or only goes on with one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    IfDue,
    Now,
    Never,
}

fn needs_a_person(state: &RotationState) -> bool {
    match &state.rotation {
        Some(rotation) => rotation.blocked().is_some(),
        None => state.stuck().is_some(),
    }
}

fn blocked(problem: crate::problem::Problem, run_again_at: Option<OffsetDateTime>) -> RotationOutcome {
    RotationOutcome::Blocked { problem, run_again_at }
}
