//! What a person asks for.

use azconnect_core::{Error, ErrorKind, SecretId};
use azconnect_credential::{SinkId, SubjectId};
use azconnect_saga::{Session, within};

use super::writer::Writer;
use super::{Rotator, Start};
use crate::event::{RemovalCause, RotationEvent};
use crate::naming::sealed_name;
use crate::outcome::RotationOutcome;
use crate::resolution::Resolution;
use crate::saga::RotationSaga;
use crate::state::{RotationState, SinkProgress};
use crate::target::Target;

impl Rotator {
    /// Does what a person says of a rotation that does not end by itself, and goes on from there. Where there is nothing to
    /// be said about, nothing changes.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a consumer that takes no part, and for a new secret that is to be taken
    /// before there is one; else see [`Rotator::rotate`].
    pub async fn resolve(&self, target: &Target, resolution: Resolution) -> Result<RotationOutcome, Error> {
        target.check()?;
        let (state, _) = self.state(target.subject()).await?;
        if nothing_to_resolve(&state, &resolution) {
            return Ok(RotationOutcome::Idle { run_again_at: state.due_at(&target.policy) });
        }
        let writer = Writer::open(self, target).await?;
        let outcome = writer.guard(self.resolve_under_lease(&writer, resolution)).await;
        writer.close().await;
        outcome?
    }

    /// Lets a blocked rotation try again, after a person removed the cause: [`Resolution::Retry`].
    ///
    /// # Errors
    /// See [`Rotator::rotate`].
    pub async fn unblock(&self, target: &Target) -> Result<RotationOutcome, Error> {
        self.resolve(target, Resolution::Retry).await
    }

    /// Ends all work on a subject whose connection leaves: what is under way is abandoned, and every sealed copy is
    /// destroyed. The keys stay at the service, and consumers keep what they hold. Asks the service for nothing, so it works
    /// for an application that is gone.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) while another process works on the subject; else what the journal, the lease or the
    /// store says. Repeat it then: nothing is left half done.
    ///
    /// # Cancel safety
    /// May be dropped at any moment; repeat it.
    pub async fn disconnect(&self, subject: &SubjectId) -> Result<(), Error> {
        let claim = self.claim(subject)?;
        let session = Session::<RotationSaga>::open(&self.ports.session(), claim).await?;
        let outcome = session.guard(self.disconnect_under_lease(&session, subject)).await;
        session.close().await;
        outcome?
    }

    async fn disconnect_under_lease(&self, session: &Session<RotationSaga>, subject: &SubjectId) -> Result<(), Error> {
        let state = session.state();
        if *state == RotationState::default() {
            return Ok(());
        }
        if state.rotation.is_some() {
            session.append(&[RotationEvent::Abandoned]).await?;
        }
        // Sealed under a marker, and never recorded as minted: found by the marker alone, so before the markers are
        // forgotten.
        for announced in session.state().announced.values() {
            let recorded = session.state().ledger.values().any(|key| key.marker.as_ref() == Some(&announced.marker));
            if !recorded {
                self.destroy(&sealed_name(subject, &announced.marker)?).await?;
            }
        }
        session.append(&[RotationEvent::Disconnected]).await?;
        for (key, sealed) in &session.state().forget {
            self.destroy(sealed).await?;
            session.append(&[RotationEvent::Forgotten { key: *key }]).await?;
        }
        Ok(())
    }

    async fn destroy(&self, sealed: &SecretId) -> Result<(), Error> {
        let removal = self.ports.secrets.remove(sealed);
        within(&*self.ports.clock, self.effect_limit(), "the secret store's removal", removal).await?
    }

    async fn resolve_under_lease(&self, writer: &Writer<'_>, resolution: Resolution) -> Result<RotationOutcome, Error> {
        let state = writer.state();
        if nothing_to_resolve(&state, &resolution) {
            return Ok(RotationOutcome::Idle { run_again_at: state.due_at(&writer.target.policy) });
        }
        let mut events = vec![RotationEvent::Resumed];
        let abandons = resolution == Resolution::Abandon;
        events.extend(match resolution {
            Resolution::Retry => vec![RotationEvent::Unblocked],
            Resolution::LeaveOut(sink) => leave_out(&state, sink)?,
            Resolution::TakeAsIs => take_as_is(&state)?,
            Resolution::Abandon => abandon(&state),
        });
        writer.append(events).await?;
        if abandons {
            let state = writer.state();
            let next = match crate::decide::decide(&state, writer.now()) {
                crate::decide::Action::Rest => state.due_at(&writer.target.policy),
                crate::decide::Action::Wait { until, .. } => Some(until),
                _ => Some(writer.now()),
            };
            return Ok(RotationOutcome::Abandoned { run_again_at: next });
        }
        self.go_on(writer, Start::IfDue).await
    }
}

fn nothing_to_resolve(state: &RotationState, resolution: &Resolution) -> bool {
    let blocked = state.rotation.as_ref().is_some_and(|rotation| rotation.blocked().is_some());
    let failed = blocked || state.setbacks > 0 || state.stuck().is_some();
    match resolution {
        Resolution::Retry => !failed,
        Resolution::LeaveOut(_) | Resolution::TakeAsIs => state.rotation.is_none(),
        Resolution::Abandon => state.rotation.is_none() && state.removals.is_empty() && state.watch.is_empty(),
    }
}

fn leave_out(state: &RotationState, sink: SinkId) -> Result<Vec<RotationEvent>, Error> {
    let rotation = state.rotation.as_ref();
    let takes_part = rotation.is_some_and(|known| known.sinks.iter().any(|progress| progress.terms.sink == sink));
    if !takes_part {
        return Err(Error::invalid("resolution.leave_out", format!("{sink} takes no part in the rotation"))
            .with_advice("name a consumer of the rotation under way, as its history and outcome do"));
    }
    let unblocks = rotation.is_some_and(|known| known.blocked().is_some()).then_some(RotationEvent::Unblocked);
    // First, so that the way on is chosen without it.
    Ok(std::iter::once(RotationEvent::SinkLeftOut { sink }).chain(unblocks).collect())
}

fn take_as_is(state: &RotationState) -> Result<Vec<RotationEvent>, Error> {
    let Some(rotation) = state.rotation.as_ref().filter(|rotation| rotation.new_key().is_some()) else {
        return Err(Error::new(ErrorKind::InvalidInput, "there is no new secret yet that could be taken as it is")
            .with_advice("let the rotation try again, or abandon it"));
    };
    let stays = |key| state.ledger.contains_key(key) && !state.removals.contains_key(key);
    if !rotation.new_key().is_some_and(|new| stays(&new.key)) {
        return Err(Error::new(ErrorKind::InvalidInput, "the new secret is being removed already, or is gone")
            .with_advice("let the rotation try again, or abandon it"));
    }
    let unproven = rotation.sinks.iter().filter(|sink| !sink.has_proof() && !sink.is_out());
    Ok(vec![RotationEvent::TakenAsIs { sinks: unproven.map(|sink| sink.terms.sink.clone()).collect() }])
}

/// A new secret that nobody was given goes; whatever a consumer may hold stays.
fn abandon(state: &RotationState) -> Vec<RotationEvent> {
    // Also one that was left out may hold it.
    let untouched = |sink: &SinkProgress| !sink.touched && !sink.in_flight;
    let unused = state.rotation.as_ref().filter(|rotation| rotation.sinks.iter().all(untouched));
    let removal = unused
        .and_then(|rotation| rotation.new_key())
        .map(|new| new.key)
        .filter(|key| state.ledger.contains_key(key) && !state.removals.contains_key(key));
    let intended = removal.map(|key| {
        let cause = RemovalCause::RolledBack;
        RotationEvent::RemovalIntended { key, cause, marker: None, holder: None }
    });
    intended.into_iter().chain([RotationEvent::Abandoned]).collect()
}
