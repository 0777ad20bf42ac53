//! How an event changes the state.

use azconnect_core::KeyId;
use azconnect_credential::{Marker, SinkId};
use azconnect_saga::IllegalEvent;
use time::OffsetDateTime;

use super::{Course, Ending, LedgerKey, Mint, NewKey, Removal, Rotation, RotationState, SinkProgress, Trial, Watch};
use crate::event::{RemovalCause, RotationEvent};
use crate::policy::Policy;
use crate::problem::Problem;

/// What the state is that forbids an event, in a few words.
type Forbidding = &'static str;

const NO_ROTATION: Forbidding = "no rotation is under way";
const NOT_BEING_REMOVED: Forbidding = "the key is not being removed";

impl RotationState {
    /// The state after an event. Pure: the same events give the same state.
    ///
    /// # Errors
    /// For an event that cannot follow. In a journal, it means that the journal is not ours or was changed.
    pub fn evolve(mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<Self, IllegalEvent> {
        match self.take_in(event, at) {
            Ok(()) => Ok(self),
            Err(state) => Err(IllegalEvent::new(event.kind(), state)),
        }
    }

    fn take_in(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        match event {
            RotationEvent::Begun { .. } => self.begin(event)?,
            // It changes nothing that is known: appending it under a new epoch is what fences off the process before.
            RotationEvent::Resumed => {}
            RotationEvent::MintIntended { .. }
            | RotationEvent::MintRefused { .. }
            | RotationEvent::MintUnanswered { .. }
            | RotationEvent::Minted { .. } => self.mint(event, at)?,
            RotationEvent::MarkerAbsent { .. }
            | RotationEvent::MarkerUnread { .. }
            | RotationEvent::MarkerWatched { .. }
            | RotationEvent::MarkerDropped { .. } => self.search(event, at)?,
            RotationEvent::RemovalIntended { .. }
            | RotationEvent::RemovalAnswered { .. }
            | RotationEvent::RemovalFailed { .. }
            | RotationEvent::KeyRead { .. }
            | RotationEvent::Removed { .. }
            | RotationEvent::Forgotten { .. } => self.remove(event, at)?,
            RotationEvent::Unblocked => {
                self.removals.values_mut().for_each(Removal::unblock);
                let (ledger, removals) = (&self.ledger, &self.removals);
                let stays = |key| ledger.contains_key(key) && !removals.contains_key(key);
                let rotation = self.rotation.as_mut().ok_or(NO_ROTATION)?;
                require(rotation.blocked().is_some(), "the rotation is not blocked")?;
                let new_stays = rotation.new_key().is_some_and(|new| stays(&new.key));
                rotation.unblock(new_stays);
            }
            RotationEvent::Rotated => self.end(None, at)?,
            RotationEvent::RolledBack { problem } => self.end(Some(problem.clone()), at)?,
            _ => self.rotation_mut()?.evolve(event, at)?,
        }
        Ok(())
    }

    fn rotation_mut(&mut self) -> Result<&mut Rotation, Forbidding> {
        self.rotation.as_mut().ok_or(NO_ROTATION)
    }

    fn policy(&self) -> Policy {
        self.rotation.as_ref().map(|rotation| rotation.policy.clone()).unwrap_or_default()
    }

    fn begin(&mut self, event: &RotationEvent) -> Result<(), Forbidding> {
        let RotationEvent::Begun { rotation, title, policy, sinks, retire, ends_at } = event else { return Ok(()) };
        if self.rotation.is_some() {
            return Err("a rotation is under way already");
        }
        for key in retire {
            // An adopted key may be removed from here on. What we minted is in the ledger already, with more detail.
            self.ledger.entry(*key).or_insert(LedgerKey { marker: None, sealed: None, ends_at: None });
        }
        self.rotation = Some(Rotation {
            id: rotation.clone(),
            title: title.clone(),
            policy: policy.clone(),
            retire: retire.clone(),
            ends_at: *ends_at,
            mint: Mint::Wanted { failures: 0, not_before: None, problem: None },
            proof: Trial::default(),
            sinks: sinks.iter().cloned().map(SinkProgress::new).collect(),
            cut_over_at: None,
            gate: Trial::default(),
            course: Course::Forward,
        });
        Ok(())
    }

    fn mint(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let rotation = self.rotation_mut()?;
        match event {
            RotationEvent::MintIntended { marker } => {
                require(matches!(rotation.mint, Mint::Wanted { .. }), "no secret is wanted")?;
                // The attempts of a rotation are counted together, under whatever marker each was made.
                let failures = rotation.mint.failures();
                rotation.mint = asked(marker, failures);
            }
            RotationEvent::MintRefused { marker, problem } => {
                rotation.mint.require_asked(marker)?;
                let failures = rotation.mint.failures() + 1;
                let not_before = Some(at + rotation.policy.pause_after(failures, problem.retry_after()));
                rotation.mint = Mint::Wanted { failures, not_before, problem: Some(problem.clone()) };
            }
            // Look at once: the listing may show it already.
            RotationEvent::MintUnanswered { marker, problem: lost } => {
                rotation.mint.require_asked(marker)?;
                if let Mint::Asked { problem, next_at, .. } = &mut rotation.mint {
                    *problem = Some(lost.clone());
                    *next_at = Some(at);
                }
            }
            RotationEvent::Minted { marker, key, ends_at, sealed, minted_at } => {
                rotation.mint.require_asked(marker)?;
                rotation.mint = Mint::Sealed(NewKey {
                    key: *key,
                    sealed: sealed.clone(),
                    minted_at: *minted_at,
                    ends_at: *ends_at,
                });
                let entry =
                    LedgerKey { marker: Some(marker.clone()), sealed: Some(sealed.clone()), ends_at: Some(*ends_at) };
                self.ledger.insert(*key, entry);
            }
            _ => {}
        }
        Ok(())
    }

    fn search(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let policy = self.policy();
        match event {
            RotationEvent::MarkerAbsent { marker } => {
                self.require_looked_for(marker)?;
                self.not_found(&policy, marker, None, at);
            }
            RotationEvent::MarkerUnread { marker, problem } => {
                self.require_looked_for(marker)?;
                self.not_found(&policy, marker, Some(problem), at);
            }
            RotationEvent::MarkerWatched { marker, until } => {
                self.rotation_mut()?.mint.require_asked(marker)?;
                self.watch_for(&policy, marker, *until, at);
                self.rotation_mut()?.mint.lost();
            }
            RotationEvent::MarkerDropped { marker } => {
                self.watch.remove(marker.as_str()).ok_or("the marker is not on the orphan watch")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn require_looked_for(&self, marker: &Marker) -> Result<(), Forbidding> {
        let asked = |rotation: &Rotation| rotation.mint.require_asked(marker).is_ok();
        let looked_for = self.watch.contains_key(marker.as_str()) || self.rotation.as_ref().is_some_and(asked);
        require(looked_for, "nobody looks for this marker")
    }

    /// Plans the next look at a marker, wherever it is being looked for.
    fn not_found(&mut self, policy: &Policy, marker: &Marker, unread: Option<&Problem>, at: OffsetDateTime) {
        let asked_for = unread.and_then(|problem| problem.retry_after()).unwrap_or_default();
        if let Some(watch) = self.watch.get_mut(marker.as_str()) {
            watch.reads += 1;
            watch.last_read_at = if unread.is_none() { Some(at) } else { watch.last_read_at };
            // Looked for often at first, when an answer lost on its way surfaces, and rarely later.
            let next_at = at + policy.absence_spacing.saturating_mul(1 << watch.reads.min(6)).max(asked_for);
            // The last look is when the watch ends, or, if that fails, a pause later.
            watch.next_at = if at < watch.until { next_at.min(watch.until) } else { next_at };
        }
        if let Some(Rotation { mint: Mint::Asked { marker: asked, absences, next_at, unread: reads, .. }, .. }) =
            &mut self.rotation
            && asked == marker
        {
            match unread {
                Some(problem) => {
                    reads.failed(policy, problem, at);
                    *next_at = reads.retry_at;
                }
                None => {
                    *absences += 1;
                    *reads = Trial::default();
                    *next_at = Some(at + policy.absence_spacing);
                }
            }
        }
    }

    fn watch_for(&mut self, policy: &Policy, marker: &Marker, until: OffsetDateTime, at: OffsetDateTime) {
        let next_at = (at + policy.absence_spacing).min(until);
        let watch = Watch { marker: marker.clone(), until, next_at, last_read_at: None, reads: 0 };
        self.watch.insert(marker.to_string(), watch);
    }

    fn remove(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let policy = self.policy();
        match event {
            RotationEvent::RemovalIntended { key, cause, marker } => self.intend(*key, *cause, marker.clone())?,
            RotationEvent::RemovalAnswered { key, answer } => self.removal(*key)?.answered(&policy, *answer, at),
            RotationEvent::RemovalFailed { key, problem } => self.removal(*key)?.failed(&policy, problem, at),
            RotationEvent::KeyRead { key, listed } => self.removal(*key)?.read(&policy, *listed, at),
            RotationEvent::Removed { key } => {
                let removal = self.removals.remove(key).ok_or(NOT_BEING_REMOVED)?;
                if let Removal { marker: Some(marker), accepted: false, .. } = &removal {
                    // Nobody took the removal: the replicas asked may all be behind the one that listed it.
                    self.watch_for(&policy, marker, at + policy.orphan_watch, at);
                }
                if let Some(LedgerKey { sealed: Some(sealed), .. }) = self.ledger.remove(key) {
                    self.forget.insert(*key, sealed);
                }
            }
            RotationEvent::Forgotten { key } => {
                self.forget.remove(key).ok_or("no sealed copy of the key is to be destroyed")?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Only a key of the ledger or one that carries our marker may be on its way out.
    fn intend(&mut self, key: KeyId, cause: RemovalCause, marker: Option<Marker>) -> Result<(), Forbidding> {
        if let Some(marker) = &marker {
            self.watch.remove(marker.as_str());
            if let Some(Rotation { mint, .. }) = &mut self.rotation
                && matches!(mint, Mint::Asked { marker: asked, .. } if asked == marker)
            {
                mint.lost();
            }
        } else if !self.ledger.contains_key(&key) {
            return Err("a key that is not ours is to be removed");
        }
        self.removals.insert(key, Removal::new(cause, marker));
        Ok(())
    }

    fn removal(&mut self, key: KeyId) -> Result<&mut Removal, Forbidding> {
        self.removals.get_mut(&key).ok_or(NOT_BEING_REMOVED)
    }

    fn end(&mut self, rolled_back: Option<Problem>, at: OffsetDateTime) -> Result<(), Forbidding> {
        self.rotation_mut()?;
        self.rotation = None;
        // Ledger, orphan watch and removals stay: what may still be alive outlives the rotation that made it.
        self.last = Some(Ending { at, rolled_back });
        Ok(())
    }
}

fn asked(marker: &Marker, failures: u32) -> Mint {
    let (marker, unread) = (marker.clone(), Trial::default());
    Mint::Asked { marker, failures, problem: None, absences: 0, next_at: None, unread }
}

fn require(holds: bool, otherwise: Forbidding) -> Result<(), Forbidding> {
    if holds { Ok(()) } else { Err(otherwise) }
}

impl Mint {
    fn require_asked(&self, marker: &Marker) -> Result<(), Forbidding> {
        let asked = matches!(self, Self::Asked { marker: asked, .. } if asked == marker);
        require(asked, "no secret was asked for under this marker")
    }

    fn failures(&self) -> u32 {
        match self {
            Self::Wanted { failures, .. } | Self::Asked { failures, .. } => *failures,
            Self::Sealed(_) => 0,
        }
    }

    /// What was asked for is lost. An answer that never came is a failed attempt; the end of a process is none.
    fn lost(&mut self) {
        if let Self::Asked { failures, problem, .. } = self {
            let failures = *failures + u32::from(problem.is_some());
            *self = Self::Wanted { failures, not_before: None, problem: problem.take() };
        }
    }
}

impl Rotation {
    fn evolve(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let policy = self.policy.clone();
        match event {
            RotationEvent::ProofDeferred { problem } => self.proof.failed(&policy, problem, at),
            RotationEvent::Proven { .. } => self.proof.passed(at),
            RotationEvent::CutOver => {
                require(self.new_key().is_some(), "there is no new secret")?;
                self.cut_over_at = Some(at);
                self.gate = Trial::default();
            }
            RotationEvent::Cleared { .. } => self.gate.passed(at),
            RotationEvent::GateHeld { problem } => self.gate.failed(&policy, problem, at),
            RotationEvent::RollbackBegun { problem } => {
                require(self.course == Course::Forward, "the rotation does not go forward")?;
                self.course = Course::Back { problem: problem.clone(), old: Trial::default() };
                // A consumer that used up its attempts on the way forward gets them again on the way back.
                self.sinks.iter_mut().for_each(SinkProgress::unblock);
            }
            RotationEvent::OldProven { .. } => self.way_back()?.passed(at),
            RotationEvent::OldUnproven { problem } => self.way_back()?.failed(&policy, problem, at),
            RotationEvent::Blocked { problem } => {
                require(self.blocked().is_none(), "the rotation is blocked already")?;
                let was = Box::new(std::mem::replace(&mut self.course, Course::Forward));
                self.course = Course::Blocked { problem: problem.clone(), was };
            }
            _ => self.evolve_sink(event, &policy, at)?,
        }
        Ok(())
    }

    /// The proof of the old secret on the way back.
    fn way_back(&mut self) -> Result<&mut Trial, Forbidding> {
        match &mut self.course {
            Course::Back { old, .. } => Ok(old),
            _ => Err("the rotation does not go back"),
        }
    }

    fn unblock(&mut self, new_stays: bool) {
        if let Course::Blocked { was, .. } = &self.course {
            self.course = (**was).clone();
        }
        if matches!(self.course, Course::Back { .. }) && new_stays && self.sinks.iter().any(SinkProgress::may_hold_new)
        {
            // The way back was closed. What consumers hold after it is not known: all are served again.
            self.course = Course::Forward;
            self.cut_over_at = None;
            self.sinks.iter_mut().for_each(SinkProgress::serve_again);
        }
        if let Mint::Asked { unread, next_at, .. } = &mut self.mint {
            (*unread, *next_at) = (Trial::default(), None);
        }
        if let Course::Back { old, .. } = &mut self.course {
            *old = Trial::default();
        }
        // The failures are forgiven, so that the attempts begin anew; a proof that was passed ages on.
        self.proof = Trial { passed_at: self.proof.passed_at, ..Trial::default() };
        self.gate = Trial::default();
        self.sinks.iter_mut().for_each(SinkProgress::unblock);
    }

    fn evolve_sink(&mut self, event: &RotationEvent, policy: &Policy, at: OffsetDateTime) -> Result<(), Forbidding> {
        match event {
            RotationEvent::PushIntended { sinks } => {
                for id in sinks {
                    self.sink(id)?.push_intended();
                }
            }
            RotationEvent::Pushed { sink, evidence, revision } => self.sink(sink)?.pushed(evidence, revision.as_ref()),
            RotationEvent::PushFailed { sink, problem } => {
                let progress = self.sink(sink)?;
                progress.in_flight = false;
                // Unless the service provably changed nothing, the consumer may hold the new secret, and a way back
                // must include it.
                progress.touched |= !problem.is_untouched();
                progress.failed(policy, problem, at);
            }
            RotationEvent::SinkVerified { sink, evidence } => {
                let progress = self.sink(sink)?;
                progress.proof = Some(evidence.clone());
                progress.failures = 0;
                progress.retry_at = None;
                progress.problem = None;
            }
            RotationEvent::SinkUnverified { sink, rejected, problem } => {
                let progress = self.sink(sink)?;
                progress.failed(policy, problem, at);
                // Only a refusal of what it holds calls for another push. Where nothing is known, it is asked again.
                if *rejected {
                    progress.receipt = None;
                }
            }
            RotationEvent::SinkJoined { terms } => {
                require(self.sink(&terms.sink).is_err(), "the consumer takes part already")?;
                // The newcomer still holds the old secret: cut-over and grace begin again once it has proof too.
                self.sinks.push(SinkProgress::new(terms.clone()));
                self.cut_over_at = None;
                self.gate = Trial::default();
            }
            RotationEvent::SinkGivenUp { sink } => self.sink(sink)?.given_up = true,
            RotationEvent::SinkDisproved { sink, problem } => {
                let progress = self.sink(sink)?;
                progress.receipt = None;
                progress.proof = None;
                progress.failed(policy, problem, at);
                self.cut_over_at = None;
                self.gate = Trial::default();
            }
            RotationEvent::Restored { sink, .. } => {
                let progress = self.sink(sink)?;
                progress.restored = true;
                progress.in_flight = false;
                progress.retry_at = None;
            }
            RotationEvent::RestoreFailed { sink, problem } => self.sink(sink)?.failed(policy, problem, at),
            _ => {}
        }
        Ok(())
    }

    fn sink(&mut self, id: &SinkId) -> Result<&mut SinkProgress, Forbidding> {
        self.sinks
            .iter_mut()
            .find(|progress| progress.terms.sink == *id)
            .ok_or("the consumer is not part of the rotation")
    }
}
