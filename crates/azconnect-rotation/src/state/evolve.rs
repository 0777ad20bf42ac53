//! How an event changes what is known of a subject.

use azconnect_core::KeyId;
use azconnect_credential::{KeyHolder, Marker};
use azconnect_saga::IllegalEvent;
use time::OffsetDateTime;

use super::{
    Announced, Course, Ending, LedgerKey, Mint, MintAttempts, NewKey, Removal, Rotation, RotationState, SinkProgress,
    Trial, Watch,
};
use crate::event::{RemovalCause, RotationEvent, SinkTerms};
use crate::moment::{between, doubled, later};
use crate::policy::Policy;
use crate::problem::Problem;

/// What the state is that forbids an event, in a few words.
pub(super) type Forbidding = &'static str;

const NO_ROTATION: Forbidding = "no rotation is under way";
const NOT_BEING_REMOVED: Forbidding = "the key is not being removed";

impl RotationState {
    /// The state after an event. Pure: the same events give the same state.
    ///
    /// # Errors
    /// For an event that cannot follow. In a journal, it means that the journal is not ours or was changed.
    pub fn evolve(mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<Self, IllegalEvent> {
        match self.take_in(event, at) {
            Ok(()) => {
                self.recorded_at = Some(at);
                Ok(self)
            }
            Err(state) => Err(IllegalEvent::new(event.kind(), state)),
        }
    }

    fn take_in(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        match event {
            RotationEvent::Begun { .. } => self.begin(event, at)?,
            // Appending it under a new epoch is what fences off the process before.
            RotationEvent::Resumed => {
                if let Some(rotation) = &mut self.rotation {
                    rotation.outlived(at);
                }
            }
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
            RotationEvent::Unblocked => self.unblock()?,
            RotationEvent::Unadopted { key } => self.unadopt(*key)?,
            RotationEvent::Rotated => {
                self.end(None, at)?;
                self.setbacks = 0;
            }
            RotationEvent::RolledBack { problem } => {
                self.end(Some(problem.clone()), at)?;
                self.setbacks = self.setbacks.saturating_add(1);
            }
            RotationEvent::Abandoned => self.abandon(at),
            RotationEvent::Disconnected => self.disconnect()?,
            _ => self.rotation_mut()?.evolve(event, at)?,
        }
        match event {
            RotationEvent::Cleared { .. } => self.new_key_was_listed(),
            RotationEvent::RollbackBegun { .. } => self.take_back_superseded(),
            RotationEvent::Begun { sinks, .. } => sinks.iter().for_each(|terms| self.agree(terms)),
            RotationEvent::SinkJoined { terms } | RotationEvent::SinkRebound { terms } => self.agree(terms),
            _ => {}
        }
        Ok(())
    }

    fn rotation_mut(&mut self) -> Result<&mut Rotation, Forbidding> {
        self.rotation.as_mut().ok_or(NO_ROTATION)
    }

    /// Keeps where a consumer's secret goes for the rotations to come, also for those that it does not take part in.
    fn agree(&mut self, terms: &SinkTerms) {
        if let Some(destination) = &terms.destination {
            self.destinations.insert(terms.sink.clone(), destination.clone());
        }
    }

    fn policy(&self) -> Policy {
        self.rotation.as_ref().map(|rotation| rotation.policy.clone()).unwrap_or_default()
    }

    fn begin(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let RotationEvent::Begun { rotation, title, policy, sinks, retire, ends_at, holders, without_consumers } =
            event
        else {
            return Ok(());
        };
        if self.rotation.is_some() {
            return Err("a rotation is under way already");
        }
        // What an earlier rotation could not clean up is tried anew, and blocks this one only if it fails again.
        self.removals.values_mut().for_each(Removal::unblock);
        // A secret that has ended needs no watching, so that what is known does not grow with the past.
        self.announced.retain(|_, announced| announced.ends_at > at);
        for key in retire {
            // An adopted key may be removed from here on. What we minted is in the ledger already, with more detail.
            let known = self.ledger.entry(*key).or_insert_with(LedgerKey::adopted);
            if let Some(holder) = holders.get(key) {
                (known.holder, known.listed) = (Some(*holder), true);
            }
        }
        self.rotation = Some(Rotation {
            id: rotation.clone(),
            title: title.clone(),
            policy: policy.clone(),
            retire: retire.clone(),
            lifetime: between(at, *ends_at),
            without_consumers: *without_consumers,
            minting: MintAttempts::default(),
            mint: Mint::Wanted { not_before: None, problem: None },
            proof: Trial::default(),
            sinks: sinks.iter().cloned().map(SinkProgress::new).collect(),
            cut_over_at: None,
            gate: Trial::default(),
            blocks: 0,
            course: Course::Forward,
        });
        Ok(())
    }

    fn mint(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let rotation = self.rotation.as_mut().ok_or(NO_ROTATION)?;
        match event {
            RotationEvent::MintIntended { marker, ends_at } => {
                require(matches!(rotation.mint, Mint::Wanted { .. }), "no secret is wanted")?;
                rotation.mint = asked(marker);
                let ends_at = ends_at.unwrap_or_else(|| later(at, rotation.lifetime));
                self.announced.insert(marker.to_string(), Announced { marker: marker.clone(), ends_at });
            }
            RotationEvent::MintRefused { marker, problem } => {
                rotation.require_asked(marker)?;
                let not_before = Some(rotation.mint_failed(problem, at));
                rotation.mint = Mint::Wanted { not_before, problem: Some(problem.clone()) };
                // Provably nothing was made under it.
                self.announced.remove(marker.as_str());
            }
            // Look at once: the listing may show it already.
            RotationEvent::MintUnanswered { marker, problem: lost } => {
                rotation.require_asked(marker)?;
                if let Mint::Asked { problem, next_at, .. } = &mut rotation.mint {
                    *problem = Some(lost.clone());
                    *next_at = Some(at);
                }
            }
            RotationEvent::Minted { marker, key, ends_at, sealed, minted_at, holder, listed } => {
                rotation.require_asked(marker)?;
                rotation.mint = Mint::Sealed(NewKey {
                    key: *key,
                    sealed: sealed.clone(),
                    minted_at: *minted_at,
                    ends_at: *ends_at,
                });
                let entry = LedgerKey {
                    marker: Some(marker.clone()),
                    sealed: Some(sealed.clone()),
                    ends_at: Some(*ends_at),
                    holder: *holder,
                    listed: *listed,
                };
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
                self.rotation_mut()?.require_asked(marker)?;
                self.watch_for(&policy, marker, *until, at);
                self.rotation_mut()?.lost();
            }
            RotationEvent::MarkerDropped { marker } => {
                self.watch.remove(marker.as_str()).ok_or("the marker is not on the orphan watch")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn require_looked_for(&self, marker: &Marker) -> Result<(), Forbidding> {
        let asked = self.rotation.as_ref().is_some_and(|rotation| rotation.is_asked_for(marker.as_str()));
        require(asked || self.watch.contains_key(marker.as_str()), "nobody looks for this marker")
    }

    /// Plans the next look at a marker, wherever it is being looked for.
    fn not_found(&mut self, policy: &Policy, marker: &Marker, unread: Option<&Problem>, at: OffsetDateTime) {
        let failures = |reads: u32| policy.pause_after(reads, unread.and_then(Problem::retry_after));
        if let Some(watch) = self.watch.get_mut(marker.as_str()) {
            watch.reads = watch.reads.saturating_add(1);
            watch.last_read_at = if unread.is_none() { Some(at) } else { watch.last_read_at };
            // Looked for often at first, when an answer lost on its way surfaces, and rarely later.
            let pause = doubled(policy.absence_spacing, watch.reads.saturating_add(1).min(7), Policy::LONGEST_LIFETIME);
            let pause = if unread.is_some() { pause.max(failures(watch.reads)) } else { pause };
            let next_at = later(at, pause);
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
                    *absences = absences.saturating_add(1);
                    *reads = Trial::default();
                    *next_at = Some(later(at, policy.absence_spacing));
                }
            }
        }
    }

    fn watch_for(&mut self, policy: &Policy, marker: &Marker, until: OffsetDateTime, at: OffsetDateTime) {
        let next_at = later(at, policy.absence_spacing).min(until);
        let watch = Watch { marker: marker.clone(), until, next_at, last_read_at: None, reads: 0 };
        self.watch.insert(marker.to_string(), watch);
    }

    fn remove(&mut self, event: &RotationEvent, at: OffsetDateTime) -> Result<(), Forbidding> {
        let policy = self.policy();
        match event {
            RotationEvent::RemovalIntended { key, cause, marker, holder } => {
                self.intend(*key, *cause, marker.as_ref(), *holder)?;
            }
            RotationEvent::RemovalAnswered { key, answer } => self.removal(*key)?.answered(&policy, *answer, at),
            RotationEvent::RemovalFailed { key, problem } => self.removal(*key)?.failed(&policy, problem, at),
            RotationEvent::KeyRead { key, listed } => self.removal(*key)?.read(&policy, *listed, at),
            RotationEvent::Removed { key } => self.removed(&policy, *key, at)?,
            RotationEvent::Forgotten { key } => {
                self.forget.remove(key).ok_or("no sealed copy of the key is to be destroyed")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn removed(&mut self, policy: &Policy, key: KeyId, at: OffsetDateTime) -> Result<(), Forbidding> {
        let removal = self.removals.remove(&key).ok_or(NOT_BEING_REMOVED)?;
        let known = self.ledger.remove(&key);
        let marker = removal.marker.or_else(|| known.as_ref().and_then(|known| known.marker.clone()));
        // Absence proves the removal only of what a list has shown since it was made, and that somebody took. The
        // replicas asked may all be behind the one that has the key: it stays on watch.
        if let Some(marker) = marker.filter(|_| !(removal.accepted && removal.listed)) {
            self.watch_for(policy, &marker, later(at, policy.orphan_watch), at);
        }
        if let Some(LedgerKey { sealed: Some(sealed), .. }) = known {
            self.forget.insert(key, sealed);
        }
        if let Some(rotation) = self.rotation.as_mut().filter(|_| removal.cause == RemovalCause::Superseded) {
            // What was proved before the removal does not say that the new secret works without the old one.
            rotation.gate = Trial::default();
        }
        Ok(())
    }

    /// Only a key of the ledger or one that carries our marker may be on its way out.
    fn intend(
        &mut self,
        key: KeyId,
        cause: RemovalCause,
        marker: Option<&Marker>,
        holder: Option<KeyHolder>,
    ) -> Result<(), Forbidding> {
        let removal = Removal::new(cause);
        let removal = match (marker, self.ledger.get(&key)) {
            (Some(marker), _) => {
                self.watch.remove(marker.as_str());
                if let Some(rotation) = self.rotation.as_mut().filter(|known| known.is_asked_for(marker.as_str())) {
                    rotation.lost();
                }
                removal.found(marker.clone(), holder)
            }
            (None, Some(known)) => removal.known(known),
            (None, None) => return Err("a key that is not ours is to be removed"),
        };
        self.removals.insert(key, removal);
        Ok(())
    }

    fn removal(&mut self, key: KeyId) -> Result<&mut Removal, Forbidding> {
        self.removals.get_mut(&key).ok_or(NOT_BEING_REMOVED)
    }

    /// The last proof found the new key in the list.
    fn new_key_was_listed(&mut self) {
        let new = self.rotation.as_ref().and_then(Rotation::new_key).map(|new| new.key);
        if let Some(known) = new.and_then(|new| self.ledger.get_mut(&new)) {
            known.listed = true;
        }
    }

    fn unblock(&mut self) -> Result<(), Forbidding> {
        let blocked = self.rotation.as_ref().is_some_and(|rotation| rotation.blocked().is_some());
        require(blocked || self.setbacks > 0 || self.stuck().is_some(), "nothing is blocked")?;
        self.setbacks = 0;
        self.removals.values_mut().for_each(Removal::unblock);
        let (ledger, removals) = (&self.ledger, &self.removals);
        let stays = |key| ledger.contains_key(key) && !removals.contains_key(key);
        if let Some(rotation) = self.rotation.as_mut().filter(|rotation| rotation.blocked().is_some()) {
            let new_stays = rotation.new_key().is_some_and(|new| stays(&new.key));
            rotation.unblock(new_stays);
        }
        Ok(())
    }

    /// A removal that the issuer was asked for cannot be taken back; any other is.
    fn unadopt(&mut self, key: KeyId) -> Result<(), Forbidding> {
        let minted = self.ledger.get(&key).is_some_and(|known| known.marker.is_some());
        require(!minted, "the key was not adopted but minted")?;
        require(self.removals.get(&key).is_none_or(|removal| !removal.sent), "its removal was asked for already")?;
        let rotation = self.rotation_mut()?;
        rotation.retire.retain(|retired| *retired != key);
        self.ledger.remove(&key);
        self.removals.remove(&key);
        Ok(())
    }

    fn end(&mut self, rolled_back: Option<Problem>, at: OffsetDateTime) -> Result<(), Forbidding> {
        self.rotation_mut()?;
        self.rotation = None;
        self.take_back_superseded();
        // What we minted, the orphan watch and removals stay: what may still be alive outlives the rotation that made it.
        // A key that was adopted for this rotation is its owner's again.
        let removals = &self.removals;
        self.ledger.retain(|key, known| known.marker.is_some() || removals.contains_key(key));
        self.last = Some(Ending { at, rolled_back, abandoned: false });
        Ok(())
    }

    fn abandon(&mut self, at: OffsetDateTime) {
        let policy = self.policy();
        let Some(rotation) = self.rotation.take() else {
            // Nothing is under way but what an earlier rotation left behind: it is left as it is. The markers stay known,
            // so that whatever still carries one is found again by the next look.
            self.removals.clear();
            self.watch.clear();
            self.setbacks = 0;
            return;
        };
        if let Mint::Asked { marker, .. } = &rotation.mint {
            self.watch_for(&policy, marker, later(at, policy.orphan_watch), at);
        }
        self.take_back_superseded();
        self.removals.values_mut().for_each(Removal::unblock);
        let removals = &self.removals;
        self.ledger.retain(|key, known| known.marker.is_some() || removals.contains_key(key));
        self.setbacks = 0;
        self.last = Some(Ending { at, rolled_back: None, abandoned: true });
    }

    /// Without its rotation, nothing proves that nobody needs an old secret: it stays, and the next rotation retires it.
    fn take_back_superseded(&mut self) {
        self.removals.retain(|_, removal| removal.cause != RemovalCause::Superseded);
    }

    fn disconnect(&mut self) -> Result<(), Forbidding> {
        require(self.rotation.is_none(), "a rotation is under way")?;
        let sealed = |(key, known): (&KeyId, &LedgerKey)| Some((*key, known.sealed.clone()?));
        self.forget.extend(self.ledger.iter().filter_map(sealed));
        self.ledger.clear();
        self.removals.clear();
        self.watch.clear();
        self.announced.clear();
        self.setbacks = 0;
        Ok(())
    }
}

impl LedgerKey {
    fn adopted() -> Self {
        Self { marker: None, sealed: None, ends_at: None, holder: None, listed: false }
    }
}

fn asked(marker: &Marker) -> Mint {
    let (marker, unread) = (marker.clone(), Trial::default());
    Mint::Asked { marker, problem: None, absences: 0, next_at: None, unread }
}

pub(super) fn require(holds: bool, otherwise: Forbidding) -> Result<(), Forbidding> {
    if holds { Ok(()) } else { Err(otherwise) }
}
