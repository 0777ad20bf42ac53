//! The steps back: what the journal proves was made here, and nothing else.

use std::time::Duration;

use azconnect_core::{Error, ErrorKind};

use super::Site;
use crate::event::SetupEvent;
use crate::part::Part;
use crate::port::{Ours, Presence, Subject, Taken, Which};
use crate::state::{PartStanding, may_be_ours};

/// The pauses before each reading that looks for what a lost answer left.
const SPACED: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(10), Duration::from_secs(30), Duration::from_secs(80)];

impl Site<'_> {
    /// Finds what a registration left whose outcome is not known.
    pub(super) async fn settle_registration(&self) -> Result<(), Error> {
        let Some(marker) = self.session.state().marker.clone() else { return Ok(()) };
        let (registry, which) = (&self.ports.registry, Which::Marked(marker));
        for pause in SPACED {
            self.wait(pause).await?;
            let found = self.ride_out(None, || registry.find(&which)).await?;
            if let Some(known) = found.into_iter().next() {
                let (object, client) = (known.object, known.client);
                return self.record(SetupEvent::Registered { object, client, made: true }).await;
            }
        }
        self.record(SetupEvent::ApplicationTaken { left: None }).await
    }

    /// Takes a part back.
    pub(super) async fn take(&self, part: &Part) -> Result<(), Error> {
        let taken = match self.taken(part).await {
            Err(error) if part.is_in_directory() && self.went_by_itself(&error).await? => self.forget().await,
            taken => taken,
        };
        match taken {
            Ok(left) => self.record(SetupEvent::PartTaken { part: part.clone(), left }).await,
            Err(error) => Err(self.refused(Some(part), error).await),
        }
    }

    /// Why a part was left, if it was.
    async fn taken(&self, part: &Part) -> Result<Option<String>, Error> {
        if matches!(part, Part::Secret { .. }) {
            return self.retire().await;
        }
        let (subject, grants) = (self.subject()?, &self.ports.grants);
        let state = self.session.state();
        let own = state.registration.is_some_and(|registration| registration.made);
        if *state.standing(part) == PartStanding::Intended {
            match self.spaced_look(&subject, part).await? {
                Presence::Absent => return self.take_unseen(&subject, part).await,
                Presence::Present if !own => {
                    return Ok(Some("whether this setup made it is not known, since an answer was lost".to_owned()));
                }
                _ => {}
            }
        }
        if *part == Part::Principal {
            // Whoever uses the application in this tenant does so through its service principal.
            let uses = self.foreign_uses().await?;
            if !uses.is_empty() {
                return Ok(Some(format!("it is used by now: {}", uses.join(", "))));
            }
        }
        match self.ride_out(Some(part), || grants.take(&subject, part)).await? {
            Taken::Gone => Ok(None),
            Taken::Left(reason) => Ok(Some(reason)),
        }
    }

    /// Whether a part is there that may have been given, by readings that are spaced: lists lag behind writes.
    async fn spaced_look(&self, subject: &Subject, part: &Part) -> Result<Presence, Error> {
        let grants = &self.ports.grants;
        for pause in SPACED {
            self.wait(pause).await?;
            let found = self.ride_out(Some(part), || grants.look(subject, part)).await?;
            if found.presence != Presence::Absent {
                return Ok(found.presence);
            }
        }
        Ok(Presence::Absent)
    }

    /// Takes a part back that no reading showed. Who was not allowed to give it may not be allowed to take it either, and
    /// then there is nothing to take.
    async fn take_unseen(&self, subject: &Subject, part: &Part) -> Result<Option<String>, Error> {
        match self.session.guard(self.ports.grants.take(subject, part)).await? {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
            Ok(Taken::Left(reason)) => Ok(Some(reason)),
            taken => taken.map(|_| None),
        }
    }

    /// Takes the application back, unless somebody else uses it by now.
    pub(super) async fn unregister(&self) -> Result<(), Error> {
        let outcome = async {
            let uses = self.foreign_uses().await?;
            if !uses.is_empty() {
                return Ok(Some(format!("it is used by now: {}", uses.join(", "))));
            }
            let (application, registry) = (self.subject()?.application, &self.ports.registry);
            self.ride_out(None, || registry.unregister(&application)).await.map(|()| None)
        };
        let outcome = match outcome.await {
            Err(error) if self.went_by_itself(&error).await? => Ok(None),
            outcome => outcome,
        };
        match outcome {
            Ok(left) => self.record(SetupEvent::ApplicationTaken { left }).await,
            Err(error) => Err(self.refused(None, error).await),
        }
    }

    /// Whether a call was refused since somebody deleted the application, and all that is in it with it: repeated readings
    /// that are spaced must agree.
    pub(super) async fn went_by_itself(&self, error: &Error) -> Result<bool, Error> {
        if error.kind() != ErrorKind::NotFound {
            return Ok(false);
        }
        let (registry, which) = (&self.ports.registry, Which::Client(self.subject()?.application.client));
        for pause in SPACED {
            self.wait(pause).await?;
            if !self.ride_out(None, || registry.find(&which)).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Forgets what was sealed for an application that is gone.
    async fn forget(&self) -> Result<Option<String>, Error> {
        if let Some(mint) = &self.session.state().mint {
            self.ports.secrets.remove(&mint.secret).await?;
        }
        Ok(None)
    }

    async fn foreign_uses(&self) -> Result<Vec<String>, Error> {
        let (state, subject, registry) = (self.session.state(), self.subject()?, &self.ports.registry);
        let mints = || state.mint.iter().chain(&state.abandoned);
        let keys = mints().filter_map(|mint| mint.key).map(|(key, _)| key).collect();
        let markers = mints().map(|mint| mint.marker.clone()).collect();
        let made = |standing: &PartStanding| may_be_ours(standing) || *standing == PartStanding::Removed;
        let parts = state.parts.iter().filter(|(_, standing)| made(standing)).map(|(part, _)| part.clone()).collect();
        let ours = Ours::new(keys, markers, parts);
        self.ride_out(Some(&Part::Principal), || registry.foreign_uses(&subject, &ours)).await
    }
}
