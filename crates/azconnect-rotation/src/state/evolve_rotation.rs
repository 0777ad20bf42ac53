//! How an event changes the rotation that is under way.

use azconnect_credential::{Marker, SinkId};
use time::OffsetDateTime;

use super::evolve::{Forbidding, require};
use super::{Course, GivenBack, Mint, Rotation, SinkProgress, Trial};
use crate::event::RotationEvent;
use crate::moment::later;
use crate::policy::Policy;
use crate::problem::Problem;

impl Rotation {
    pub(super) fn evolve(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let policy = self.policy.clone();
        match event {
            RotationEvent::ProofDeferred { problem } => self.proof.failed(&policy, problem, at),
            RotationEvent::Proven { .. } => self.proof.passed(at),
            RotationEvent::CutOver => {
                require(self.new_key().is_some(), "there is no new secret")?;
                self.cut_over_at = Some(at);
                self.gate = Trial::default();
                self.blocks = 0;
            }
            RotationEvent::Cleared { .. } => {
                self.gate.passed(at);
                self.blocks = 0;
            }
            RotationEvent::GateHeld { problem } => self.gate.failed(&policy, problem, at),
            RotationEvent::RollbackBegun { problem } => {
                require(self.course == Course::Forward, "the rotation does not go forward")?;
                self.course = Course::Back { problem: problem.clone(), old: Trial::default(), gate: Trial::default() };
                // A consumer that used up its attempts on the way forward gets them again on the way back.
                self.sinks.iter_mut().for_each(SinkProgress::unblock);
            }
            RotationEvent::OldProven { .. } => self.way_back()?.0.passed(at),
            RotationEvent::OldUnproven { problem } => self.way_back()?.0.failed(&policy, problem, at),
            RotationEvent::BackCleared { .. } => self.way_back()?.1.passed(at),
            RotationEvent::BackHeld { problem } => self.way_back()?.1.failed(&policy, problem, at),
            RotationEvent::Blocked { problem } => self.block(problem, at)?,
            RotationEvent::Retried => {
                require(self.blocked().is_some(), "the rotation is not blocked")?;
                self.try_again();
            }
            RotationEvent::TakenAsIs { sinks } => self.take_as_is(sinks)?,
            _ => self.evolve_sink(event, &policy, at)?,
        }
        Ok(())
    }

    /// Another process takes over. No proof survives that: the world may have changed while nobody looked.
    pub(super) fn outlived(&mut self, at: OffsetDateTime) {
        self.proof.outlived();
        self.gate.outlived();
        if let Some((old, gate)) = ways_back(&mut self.course) {
            old.outlived();
            gate.outlived();
        }
        self.sinks.iter_mut().for_each(|sink| sink.outlived(at));
    }

    pub(super) fn require_asked(&self, marker: &Marker) -> Result<(), Forbidding> {
        require(self.is_asked_for(marker.as_str()), "no secret was asked for under this marker")
    }

    /// Counts a failed mint, and says when to ask again.
    pub(super) fn mint_failed(&mut self, problem: &Problem, at: OffsetDateTime) -> OffsetDateTime {
        let attempts = &mut self.minting;
        attempts.tries = attempts.tries.saturating_add(1);
        if problem.is_outage() {
            attempts.out_since.get_or_insert(at);
            attempts.out_at = Some(at);
        } else {
            attempts.failures = attempts.failures.saturating_add(1);
            (attempts.out_since, attempts.out_at) = (None, None);
        }
        later(at, self.policy.pause_after(attempts.tries, problem.retry_after()))
    }

    /// What was asked for is lost. An answer that never came is a failed attempt; the end of a process is none.
    pub(super) fn lost(&mut self) {
        if let Mint::Asked { problem, .. } = &mut self.mint {
            let problem = problem.take();
            // Counted also in an outage: each may leave a secret behind.
            let lost = u32::from(problem.is_some());
            self.minting.failures = self.minting.failures.saturating_add(lost);
            self.minting.tries = self.minting.tries.saturating_add(lost);
            self.mint = Mint::Wanted { not_before: None, problem };
        }
    }

    /// The proof of the old secret on the way back, and the last proof before the new one is removed.
    fn way_back(&mut self) -> Result<(&mut Trial, &mut Trial), Forbidding> {
        match &mut self.course {
            Course::Back { old, gate, .. } => Ok((old, gate)),
            _ => Err("the rotation does not go back"),
        }
    }

    fn block(&mut self, problem: &Problem, at: OffsetDateTime) -> Result<(), Forbidding> {
        require(self.blocked().is_none(), "the rotation is blocked already")?;
        self.blocks = self.blocks.saturating_add(1);
        let retry_at = problem.may_pass.then(|| later(at, Policy::setback_pause(self.blocks)));
        let was = Box::new(std::mem::replace(&mut self.course, Course::Forward));
        self.course = Course::Blocked { problem: problem.clone(), was, retry_at };
        Ok(())
    }

    /// A person says that the cause is gone.
    pub(super) fn unblock(&mut self, new_stays: bool) {
        self.blocks = 0;
        self.try_again();
        for sink in &mut self.sinks {
            (sink.given_up, sink.disproofs) = (false, 0);
        }
        if matches!(self.course, Course::Back { .. }) && new_stays && self.may_be_held() {
            // The way back was closed. What consumers hold after it is not known: all are served again.
            self.course = Course::Forward;
            self.cut_over_at = None;
            self.sinks.iter_mut().for_each(SinkProgress::serve_again);
        }
    }

    /// Takes up the course again. The failures are forgiven, so that the attempts begin anew; a proof ages on.
    fn try_again(&mut self) {
        if let Course::Blocked { was, .. } = &self.course {
            self.course = (**was).clone();
        }
        if let Mint::Asked { unread, next_at, .. } = &mut self.mint {
            (*unread, *next_at) = (Trial::default(), None);
        }
        if let Some((old, gate)) = ways_back(&mut self.course) {
            (*old, *gate) = (Trial::default(), Trial::default());
        }
        self.proof = Trial { passed_at: self.proof.passed_at, ..Trial::default() };
        self.gate = Trial::default();
        self.sinks.iter_mut().for_each(SinkProgress::unblock);
    }

    fn take_as_is(&mut self, sinks: &[SinkId]) -> Result<(), Forbidding> {
        require(self.new_key().is_some(), "there is no new secret")?;
        for id in sinks {
            self.sink(id)?.left_out = true;
        }
        self.without_consumers = true;
        self.blocks = 0;
        self.try_again();
        self.course = Course::Forward;
        Ok(())
    }

    fn evolve_sink(&mut self, event: &RotationEvent, policy: &Policy, at: OffsetDateTime) -> Result<(), Forbidding> {
        match event {
            RotationEvent::PushIntended { sinks } => {
                for id in sinks {
                    self.sink(id)?.push_intended(at);
                }
            }
            RotationEvent::Pushed { sink, evidence, revision } => self.sink(sink)?.pushed(evidence, revision.as_ref()),
            RotationEvent::PushFailed { sink, problem } => self.sink(sink)?.push_failed(policy, problem, at),
            RotationEvent::SinkVerified { sink, evidence } => self.sink(sink)?.verified(evidence),
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
                self.begin_grace_again();
            }
            RotationEvent::SinkRebound { terms } => {
                let progress = self.sink(&terms.sink)?;
                progress.terms = terms.clone();
                if terms.required && !progress.has_proof() {
                    // It was given up as an optional one. As a required one it is served.
                    progress.given_up = false;
                    progress.unblock();
                    self.begin_grace_again();
                }
            }
            RotationEvent::SinkGivenUp { sink } => self.sink(sink)?.given_up = true,
            RotationEvent::SinkLeftOut { sink } => self.sink(sink)?.left_out = true,
            RotationEvent::SinkDisproved { sink, problem } => {
                let progress = self.sink(sink)?;
                progress.serve_again();
                progress.disproofs = progress.disproofs.saturating_add(1);
                progress.failed(policy, problem, at);
                self.begin_grace_again();
            }
            RotationEvent::Restored { sink, receipt, revision, .. } => {
                let progress = self.sink(sink)?;
                (progress.restored, progress.given_back) = (true, None);
                // What was under way when a process died may have arrived, and may arrive yet.
                progress.touched |= progress.in_flight;
                progress.in_flight = false;
                progress.unblock();
                progress.receipt.clone_from(receipt);
                progress.revision.clone_from(revision);
                progress.proof = None;
            }
            RotationEvent::RestoreUndone { sink, problem } => {
                let progress = self.sink(sink)?;
                progress.restored = false;
                progress.disproofs = progress.disproofs.saturating_add(1);
                progress.failed(policy, problem, at);
                self.way_back()?.1.outlived();
            }
            RotationEvent::RestoreFailed { sink, problem, receipt, revision } => {
                let progress = self.sink(sink)?;
                let taken = |receipt: &String| GivenBack { receipt: receipt.clone(), revision: revision.clone() };
                progress.given_back = receipt.as_ref().map(taken);
                progress.failed(policy, problem, at);
            }
            _ => {}
        }
        Ok(())
    }

    /// Somebody holds the old secret again, or still: the grace counts from when nobody does.
    fn begin_grace_again(&mut self) {
        self.cut_over_at = None;
        self.gate = Trial::default();
    }

    fn sink(&mut self, id: &SinkId) -> Result<&mut SinkProgress, Forbidding> {
        self.sinks
            .iter_mut()
            .find(|progress| progress.terms.sink == *id)
            .ok_or("the consumer is not part of the rotation")
    }
}

fn ways_back(course: &mut Course) -> Option<(&mut Trial, &mut Trial)> {
    match course {
        Course::Back { old, gate, .. } => Some((old, gate)),
        Course::Blocked { was, .. } => ways_back(was),
        Course::Forward => None,
    }
}
