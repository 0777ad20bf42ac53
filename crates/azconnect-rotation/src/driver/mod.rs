//! Performs what [`decide`](crate::decide) says, one durable event after the other.

mod issue;
mod retire;
mod serve;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Error, Journal, Lease, SecretId, SecretStore, Sequence};
use azconnect_credential::{Marker, SubjectId};
use azconnect_saga::SessionPorts;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::decide::{Action, decide};
use crate::event::RotationEvent;
use crate::history::HistoryEntry;
use crate::observer::{Observer, Unobserved};
use crate::outcome::RotationOutcome;
use crate::plan::{Decision, RotationPlan, newly_bound, plan};
use crate::saga::{RotationSaga, STREAM_PREFIX, stream_of};
use crate::state::{Course, RotationState};
use crate::target::Target;
use writer::Writer;

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
}

impl Rotator {
    /// A rotator that holds leases of 60 seconds, and waits for up to 2 minutes by itself.
    pub fn new(ports: Ports) -> Self {
        Self {
            ports,
            observer: Arc::new(Unobserved),
            term: Duration::from_secs(60),
            patience: Duration::from_secs(120),
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

    /// Looks at everything and says what [`Rotator::rotate`] would do. No effect.
    ///
    /// # Errors
    /// If the policy does not hold, the journal cannot be read, or the issuer does not answer.
    pub async fn plan(&self, target: &Target) -> Result<RotationPlan, Error> {
        let (state, _) = self.state(target.subject()).await?;
        plan(target, &state, &*self.ports.clock, false).await
    }

    /// As [`Rotator::plan`], for [`Rotator::rotate_now`].
    ///
    /// # Errors
    /// See [`Rotator::plan`].
    pub async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error> {
        let (state, _) = self.state(target.subject()).await?;
        plan(target, &state, &*self.ports.clock, true).await
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

    /// Lets a blocked rotation try again, after a person removed the cause.
    ///
    /// # Errors
    /// See [`Rotator::rotate`].
    pub async fn unblock(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.run(target, Start::Unblock).await
    }

    /// What is known about a subject, and the position in the journal up to which it was read. Needs no lease.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn state(&self, subject: &SubjectId) -> Result<(RotationState, Sequence), Error> {
        let snapshot = azconnect_saga::read::<RotationSaga>(&*self.ports.journal, &stream_of(subject)?).await?;
        Ok((snapshot.state, snapshot.sequence))
    }

    /// The events of a subject, in order.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn events(&self, subject: &SubjectId) -> Result<Vec<(OffsetDateTime, RotationEvent)>, Error> {
        let happened = azconnect_saga::history::<RotationSaga>(&*self.ports.journal, &stream_of(subject)?).await?;
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

    /// The subjects with something left to do.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<SubjectId>, Error> {
        let streams = self.ports.journal.unfinished().await?;
        streams.iter().filter_map(|stream| stream.as_str().strip_prefix(STREAM_PREFIX)).map(SubjectId::new).collect()
    }

    async fn run(&self, target: &Target, start: Start) -> Result<RotationOutcome, Error> {
        target.check()?;
        let (state, _) = self.state(target.subject()).await?;
        if let Some(problem) = state.rotation.as_ref().and_then(|rotation| rotation.blocked())
            && start != Start::Unblock
        {
            return Ok(RotationOutcome::Blocked { problem: problem.clone() });
        }
        if state.is_at_rest() {
            // Looked at before the lease is taken: most runs find nothing due.
            match start {
                Start::Never | Start::Unblock => return Ok(RotationOutcome::Idle),
                Start::IfDue | Start::Now => {
                    let plan = plan(target, &state, &*self.ports.clock, start == Start::Now).await?;
                    match plan.decision {
                        Decision::NotDue => return Ok(RotationOutcome::NotDue { plan: Box::new(plan) }),
                        Decision::Refuse => return Ok(RotationOutcome::Refused { plan: Box::new(plan) }),
                        Decision::Rotate | Decision::Resume => {}
                    }
                }
            }
        }
        let writer = Writer::open(self, target).await?;
        // One guard around all of it: the lease is kept whatever the run waits for.
        let outcome = writer.guard(self.work(&writer, start)).await;
        writer.close().await;
        outcome?
    }

    async fn work(&self, writer: &Writer<'_>, start: Start) -> Result<RotationOutcome, Error> {
        if start == Start::Unblock && writer.state().rotation.as_ref().is_some_and(|r| r.blocked().is_some()) {
            writer.append(vec![RotationEvent::Unblocked]).await?;
        } else if !writer.state().is_at_rest() {
            writer.append(vec![RotationEvent::Resumed]).await?;
        }
        if writer.state().rotation.is_none() && matches!(start, Start::IfDue | Start::Now) {
            // Planned again under the lease: another process may have rotated since the first look.
            let state = writer.state();
            let plan = plan(writer.target, &state, &*self.ports.clock, start == Start::Now).await?;
            match plan.decision {
                Decision::Rotate => writer.begin(plan).await?,
                // What is left of an earlier rotation is still looked after.
                _ if !writer.state().is_at_rest() => {}
                Decision::Refuse => return Ok(RotationOutcome::Refused { plan: Box::new(plan) }),
                _ => return Ok(RotationOutcome::NotDue { plan: Box::new(plan) }),
            }
        }
        self.join(writer).await?;
        self.drive(writer).await
    }

    /// Whoever was bound since the rotation began holds the old secret, and must not be left with it.
    async fn join(&self, writer: &Writer<'_>) -> Result<(), Error> {
        let Some(rotation) = writer.state().rotation.clone().filter(|rotation| rotation.course == Course::Forward)
        else {
            return Ok(());
        };
        let bound = newly_bound(writer.target, &rotation).await;
        match bound.is_empty() {
            true => Ok(()),
            false => writer.append(bound.into_iter().map(|terms| RotationEvent::SinkJoined { terms }).collect()).await,
        }
    }

    async fn drive(&self, writer: &Writer<'_>) -> Result<RotationOutcome, Error> {
        let began_with_rotation = writer.state().rotation.is_some();
        let mut new_key = None;
        loop {
            let state = writer.state();
            if let Some(rotation) = &state.rotation {
                new_key = rotation.new_key().map(|new| new.key);
                if let Some(problem) = rotation.blocked() {
                    return Ok(RotationOutcome::Blocked { problem: problem.clone() });
                }
            // An orphan watch may go on for an hour. It is left to a later run, whose time the outcome names.
            } else if began_with_rotation && state.removals.is_empty() && state.forget.is_empty() {
                return Ok(ended(&state, new_key));
            }
            match decide(&state, self.ports.clock.now()) {
                Action::Rest => return Ok(RotationOutcome::Idle),
                Action::Wait { until, why } => {
                    let pause = Duration::try_from(until - self.ports.clock.now()).unwrap_or_default();
                    if pause > self.patience {
                        return Ok(RotationOutcome::Waiting { until, why });
                    }
                    self.observer.waiting(writer.target.subject(), until, why);
                    self.ports.clock.sleep(pause).await;
                }
                action => writer.perform(action).await?,
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
    Unblock,
}

fn ended(state: &RotationState, key: Option<azconnect_core::KeyId>) -> RotationOutcome {
    let watching_until = state.watch.values().map(|watch| watch.until).max();
    match state.last.as_ref().and_then(|last| last.rolled_back.clone()) {
        Some(problem) => RotationOutcome::RolledBack { problem, watching_until },
        None => RotationOutcome::Rotated { key, watching_until },
    }
}

/// The name under which the secret of a marker is sealed: known before the secret is, so that a crash between sealing
/// and recording leaves something to find.
fn sealed_name(subject: &SubjectId, marker: &Marker) -> Result<SecretId, Error> {
    let unique = marker.as_str().rsplit(' ').next().unwrap_or_default();
    SecretId::new(format!("{STREAM_PREFIX}{subject}/{unique}"))
}

fn new_marker(now: OffsetDateTime) -> Result<Marker, Error> {
    Marker::new(format!("azconnect {} {}", now.date(), Uuid::new_v4()))
}
