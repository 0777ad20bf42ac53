//! What is known of a setup, as a fold of its events.

use azconnect_core::{ApplicationObjectId, ClientId, KeyId, PrincipalObjectId, SecretId};
use azconnect_credential::Marker;
use azconnect_saga::IllegalEvent;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::blocked::SetupBlocked;
use crate::event::{Proof, SetupEvent};
use crate::part::Part;
use crate::spec::SetupSpec;

/// How far a setup has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetupPhase {
    /// Nothing was begun.
    #[default]
    Empty,
    /// It is under way, or waits for somebody.
    Running,
    /// All of it stands.
    Done,
    /// It is being taken back.
    Undoing,
    /// It was taken back.
    Undone,
}

/// How one part stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartStanding {
    /// Nothing was done yet.
    Open,
    /// It was not there, and a request to give it may have been sent.
    Intended,
    /// It is there, and was not made by this setup.
    Found,
    /// It is there, and was made by this setup.
    Made,
    /// It was refused, and is left to an administrator.
    LeftToOthers {
        /// What is missing, and who can give it.
        blocked: SetupBlocked,
    },
    /// It was made by this setup, and is gone.
    Removed,
    /// It was made by this setup, and stays.
    Left {
        /// Why it stays.
        reason: String,
    },
}

/// The application that is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) object: ApplicationObjectId,
    pub(crate) client: ClientId,
    pub(crate) made: bool,
}

/// The mint of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mint {
    pub(crate) marker: Marker,
    pub(crate) secret: SecretId,
    pub(crate) ends_at: OffsetDateTime,
    /// Its public id, and when it was minted, once it lies sealed.
    pub(crate) key: Option<(KeyId, OffsetDateTime)>,
}

/// What is known of one setup.
#[derive(Clone, Debug, Default)]
pub(crate) struct SetupState {
    pub(crate) phase: SetupPhase,
    pub(crate) spec: Option<SetupSpec>,
    pub(crate) marker: Option<Marker>,
    pub(crate) registration_intended: bool,
    pub(crate) registration: Option<Registration>,
    /// When the application or its service principal was made here: soon after, the directory may not know them everywhere.
    pub(crate) fresh_at: Option<OffsetDateTime>,
    pub(crate) principal: Option<PrincipalObjectId>,
    pub(crate) parts: Vec<(Part, PartStanding)>,
    pub(crate) mint: Option<Mint>,
    /// The mints whose outcome is not known, and whether they were looked for once more.
    pub(crate) abandoned: Vec<Mint>,
    pub(crate) swept: bool,
    pub(crate) proof: Option<Proof>,
    pub(crate) blocked: Option<SetupBlocked>,
    /// Why the application was left by an undo; outside `None`, it was looked at.
    pub(crate) application_taken: Option<Option<String>>,
}

impl SetupState {
    /// How a part stands; open if it is none of this setup.
    pub(crate) fn standing(&self, part: &Part) -> &PartStanding {
        self.parts.iter().find(|(known, _)| known == part).map_or(&PartStanding::Open, |(_, standing)| standing)
    }

    /// The state after an event.
    pub(crate) fn evolve(mut self, event: &SetupEvent, at: OffsetDateTime) -> Result<Self, IllegalEvent> {
        self.require_phase(event)?;
        if !matches!(event, SetupEvent::Blocked { .. }) {
            self.blocked = None;
        }
        match event {
            SetupEvent::Begun { spec, marker } => {
                let parts = Part::all_of(spec).into_iter().map(|part| (part, PartStanding::Open)).collect();
                let (spec, marker) = (Some((**spec).clone()), Some(marker.clone()));
                self = Self { phase: SetupPhase::Running, spec, marker, parts, ..Self::default() };
            }
            SetupEvent::RegistrationIntended => self.registration_intended = true,
            SetupEvent::Registered { object, client, made } => self.register(event, *object, *client, *made, at)?,
            SetupEvent::PartIntended { part } => self.settle(event, part, PartStanding::Intended)?,
            SetupEvent::PartStands { part, made, principal } => {
                self.settle(event, part, if *made { PartStanding::Made } else { PartStanding::Found })?;
                if *part == Part::Principal {
                    self.principal = *principal;
                    self.fresh_at = if *made { Some(at) } else { self.fresh_at };
                }
            }
            SetupEvent::ConsentLeft { part, blocked } => {
                self.settle(event, part, PartStanding::LeftToOthers { blocked: blocked.clone() })?;
            }
            SetupEvent::MintIntended { marker, secret, ends_at } => {
                self.intend_mint(event, marker, secret, *ends_at)?
            }
            SetupEvent::Minted { key, ends_at } => self.minted(event, *key, *ends_at, at)?,
            SetupEvent::MintAbandoned => self.abandon(event)?,
            SetupEvent::Swept => self.swept = true,
            SetupEvent::Blocked { blocked } => self.blocked = Some(blocked.clone()),
            SetupEvent::Proven { proof } => self.proof = Some(*proof),
            SetupEvent::Finished => self.finish(event)?,
            SetupEvent::UndoBegun => (self.phase, self.swept) = (SetupPhase::Undoing, false),
            SetupEvent::PartTaken { part, left } => self.take(event, part, left.clone())?,
            SetupEvent::ApplicationTaken { left } => self.application_taken = Some(left.clone()),
            SetupEvent::Undone => self.phase = SetupPhase::Undone,
        }
        Ok(self)
    }

    /// Refuses an event of another phase.
    fn require_phase(&self, event: &SetupEvent) -> Result<(), IllegalEvent> {
        use SetupPhase::{Done, Empty, Running, Undoing, Undone};
        let fits = match event {
            SetupEvent::Begun { .. } => matches!(self.phase, Empty | Undone),
            SetupEvent::UndoBegun => matches!(self.phase, Running | Done),
            SetupEvent::PartTaken { .. } | SetupEvent::ApplicationTaken { .. } | SetupEvent::Undone => {
                self.phase == Undoing
            }
            // An undo settles what was intended, and watches for what was lost.
            SetupEvent::MintAbandoned
            | SetupEvent::Swept
            | SetupEvent::Registered { .. }
            | SetupEvent::Blocked { .. } => {
                matches!(self.phase, Running | Undoing)
            }
            _ => self.phase == Running,
        };
        if fits { Ok(()) } else { Err(illegal(event, "the setup is in another phase")) }
    }

    fn register(
        &mut self,
        event: &SetupEvent,
        object: ApplicationObjectId,
        client: ClientId,
        made: bool,
        at: OffsetDateTime,
    ) -> Result<(), IllegalEvent> {
        if self.registration.is_some() || (made && !self.registration_intended) {
            return Err(illegal(event, "the application is there already, or was made without an intent"));
        }
        self.registration = Some(Registration { object, client, made });
        self.fresh_at = made.then_some(at);
        Ok(())
    }

    fn settle(&mut self, event: &SetupEvent, part: &Part, next: PartStanding) -> Result<(), IllegalEvent> {
        if self.registration.is_none() {
            return Err(illegal(event, "there is no application yet"));
        }
        let known = self.parts.iter_mut().find(|(known, _)| known == part);
        let Some((_, standing)) = known else { return Err(illegal(event, "no such part was wished for")) };
        let follows = match (&*standing, &next) {
            (PartStanding::Open, PartStanding::Made) => false,
            (PartStanding::Open | PartStanding::Intended, _) => true,
            _ => false,
        };
        if !follows {
            return Err(illegal(event, "the part stands so already, or was made without an intent"));
        }
        *standing = next;
        Ok(())
    }

    fn intend_mint(
        &mut self,
        event: &SetupEvent,
        marker: &Marker,
        secret: &SecretId,
        ends_at: OffsetDateTime,
    ) -> Result<(), IllegalEvent> {
        if self.mint.is_some() || self.abandoned.iter().any(|known| known.marker == *marker) {
            return Err(illegal(event, "a mint is under way, or its marker was used before"));
        }
        self.mint = Some(Mint { marker: marker.clone(), secret: secret.clone(), ends_at, key: None });
        Ok(())
    }

    fn minted(
        &mut self,
        event: &SetupEvent,
        key: KeyId,
        ends_at: OffsetDateTime,
        at: OffsetDateTime,
    ) -> Result<(), IllegalEvent> {
        let Some(mint) = self.mint.as_mut().filter(|mint| mint.key.is_none()) else {
            return Err(illegal(event, "no mint was intended"));
        };
        (mint.key, mint.ends_at) = (Some((key, at)), ends_at);
        for (part, standing) in &mut self.parts {
            if matches!(part, Part::Secret { .. }) {
                *standing = PartStanding::Made;
            }
        }
        Ok(())
    }

    fn abandon(&mut self, event: &SetupEvent) -> Result<(), IllegalEvent> {
        let Some(mint) = self.mint.take_if(|mint| mint.key.is_none()) else {
            return Err(illegal(event, "no mint is open"));
        };
        self.abandoned.push(mint);
        self.swept = false;
        Ok(())
    }

    fn finish(&mut self, event: &SetupEvent) -> Result<(), IllegalEvent> {
        let open =
            self.parts.iter().any(|(_, standing)| matches!(standing, PartStanding::Open | PartStanding::Intended));
        if open || self.proof.is_none() || self.registration.is_none() {
            return Err(illegal(event, "something is not there yet"));
        }
        self.phase = SetupPhase::Done;
        Ok(())
    }

    fn take(&mut self, event: &SetupEvent, part: &Part, left: Option<String>) -> Result<(), IllegalEvent> {
        let known = self.parts.iter_mut().find(|(known, _)| known == part);
        let Some((_, standing)) = known.filter(|(_, standing)| may_be_ours(standing)) else {
            return Err(illegal(event, "the part was not made here"));
        };
        *standing = match left {
            Some(reason) => PartStanding::Left { reason },
            None => PartStanding::Removed,
        };
        Ok(())
    }

    /// Whether nothing is left to do until somebody begins something.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.phase, SetupPhase::Empty | SetupPhase::Done | SetupPhase::Undone)
    }
}

/// Whether a part was made here, or may have been.
pub(crate) fn may_be_ours(standing: &PartStanding) -> bool {
    matches!(standing, PartStanding::Made | PartStanding::Intended)
}

fn illegal(event: &SetupEvent, state: &str) -> IllegalEvent {
    IllegalEvent::new(event.name(), state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> SetupState {
        let spec = SetupSpec::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap(), "Contoso");
        let event = SetupEvent::Begun { spec: Box::new(spec), marker: Marker::new("m").unwrap() };
        SetupState::default().evolve(&event, OffsetDateTime::UNIX_EPOCH).unwrap()
    }

    fn registered(made: bool) -> SetupEvent {
        let id = "20000000-0000-4000-8000-000000000002";
        SetupEvent::Registered { object: id.parse().unwrap(), client: id.parse().unwrap(), made }
    }

    #[test]
    fn nothing_is_made_without_an_intent_before_it() {
        let at = OffsetDateTime::UNIX_EPOCH;
        assert!(begun().evolve(&registered(true), at).is_err());
        let state =
            begun().evolve(&SetupEvent::RegistrationIntended, at).unwrap().evolve(&registered(true), at).unwrap();
        let stands = |made| SetupEvent::PartStands { part: Part::Principal, made, principal: None };
        assert!(state.clone().evolve(&stands(true), at).is_err());
        assert!(state.clone().evolve(&stands(false), at).is_ok());
        let minted = SetupEvent::Minted { key: "20000000-0000-4000-8000-000000000003".parse().unwrap(), ends_at: at };
        assert!(state.clone().evolve(&minted, at).is_err());
        assert!(state.evolve(&SetupEvent::Finished, at).is_err());
    }

    #[test]
    fn what_was_found_is_never_taken() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let found = SetupEvent::PartStands { part: Part::Principal, made: false, principal: None };
        let state = begun().evolve(&registered(false), at).unwrap().evolve(&found, at).unwrap();
        let state = state.evolve(&SetupEvent::UndoBegun, at).unwrap();
        assert!(state.evolve(&SetupEvent::PartTaken { part: Part::Principal, left: None }, at).is_err());
    }
}
