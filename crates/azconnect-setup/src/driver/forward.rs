//! The steps forward: the application, its parts, and the trial.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{Candidate, CredentialVerdict};

use super::Site;
use crate::blocked::SetupBlocked;
use crate::event::{Proof, SetupEvent};
use crate::part::Part;
use crate::port::{NewRegistration, Presence, Registered, Which};
use crate::spec::SetupSpec;
use crate::state::PartStanding;

/// The pause between two trials of a new secret.
const TRIAL_PAUSE: Duration = Duration::from_secs(10);

impl Site<'_> {
    /// Finds the application, or registers it.
    pub(super) async fn register(&self) -> Result<(), Error> {
        let spec = self.spec()?;
        match self.registered(&spec).await {
            Ok(event) => self.record(event).await,
            Err(error) => Err(self.refused(None, error).await),
        }
    }

    async fn registered(&self, spec: &SetupSpec) -> Result<SetupEvent, Error> {
        let registry = &self.ports.registry;
        if let Some(client) = spec.application {
            let which = Which::Client(client);
            let found = self.ride_out(None, || registry.find(&which)).await?;
            let Some(known) = found.into_iter().next() else {
                return Err(Error::new(ErrorKind::NotFound, format!("no application has the client id {client}"))
                    .with_effect(Effect::None)
                    .with_field("application")
                    .with_advice("check the client id and the tenant, or leave it out to have one registered"));
            };
            return Ok(SetupEvent::Registered { object: known.object, client: known.client, made: false });
        }
        let state = self.session.state();
        let Some(marker) = state.marker.clone() else {
            return Err(Error::new(ErrorKind::Corrupt, "the journal names no marker").with_effect(Effect::None));
        };
        if !state.registration_intended {
            let which = Which::Named(spec.display_name.clone());
            let named = self.ride_out(None, || registry.find(&which)).await?;
            require_free_name(&spec.display_name, &named)?;
            self.record(SetupEvent::RegistrationIntended).await?;
        }
        let wish = NewRegistration::new(marker, &spec.display_name)
            .with_audience(spec.audience)
            .with_redirect_uris(spec.redirect_uris.clone());
        let made = self.ride_out(None, || registry.register(&wish)).await?;
        Ok(SetupEvent::Registered { object: made.object, client: made.client, made: true })
    }

    /// Sees to it that a part stands.
    pub(super) async fn give(&self, part: &Part) -> Result<(), Error> {
        match self.given(part).await {
            Ok(event) => self.record(event).await,
            // A consent is what an administrator can give later on a page: everything else goes on without it.
            Err(error) if matches!(part, Part::Consent { .. }) && error.kind() == ErrorKind::PermissionDenied => {
                let blocked = SetupBlocked::of(Some(part), &error);
                self.record(SetupEvent::ConsentLeft { part: part.clone(), blocked }).await
            }
            Err(error) => Err(self.refused(Some(part), error).await),
        }
    }

    async fn given(&self, part: &Part) -> Result<SetupEvent, Error> {
        let (subject, grants) = (self.subject()?, &self.ports.grants);
        let intended = *self.session.state().standing(part) == PartStanding::Intended;
        let found = self.ride_out(Some(part), || grants.look(&subject, part)).await?;
        let stands = |made, principal| Ok(SetupEvent::PartStands { part: part.clone(), made, principal });
        match found.presence {
            Presence::Absent => {}
            // A request was sent before a crash, and now it is there. Ours for certain is what carries a mark, and what lies
            // in an application of our own; anything else might be somebody else's, and is left to them.
            Presence::Ours => return stands(intended, found.principal),
            Presence::Present => {
                let own = self.session.state().registration.is_some_and(|registration| registration.made);
                return stands(intended && own, found.principal);
            }
        }
        if !intended {
            self.record(SetupEvent::PartIntended { part: part.clone() }).await?;
        }
        let given = self.ride_out(Some(part), || grants.give(&subject, part)).await?;
        // After a lost answer of our own, *was there already* tells of ourselves; what carries a mark settles it.
        let made = match given.was_there {
            false => true,
            true => {
                let seen = self.ride_out(Some(part), || grants.look(&subject, part)).await?;
                seen.presence == Presence::Ours
            }
        };
        stands(made, given.principal)
    }

    /// Tries out what can be tried, and looks for the role.
    pub(super) async fn prove(&self) -> Result<(), Error> {
        let proof = self.tried().await?;
        let state = self.session.state();
        if let Some((role, _)) = state.parts.iter().find(|(part, _)| matches!(part, Part::Role { .. })) {
            self.see(role).await?;
        }
        self.record(SetupEvent::Proven { proof }).await
    }

    async fn tried(&self) -> Result<Proof, Error> {
        let (state, subject) = (self.session.state(), self.subject()?);
        let Some((mint, (key, minted_at))) = state.mint.as_ref().and_then(|mint| Some((mint, mint.key?))) else {
            return Ok(Proof::NotTried);
        };
        let Some(secret) = self.ports.secrets.get(&mint.secret).await? else {
            return Err(Error::new(ErrorKind::NotFound, "the sealed secret of this setup was forgotten")
                .with_effect(Effect::None)
                .with_advice("undo the setup and run it anew"));
        };
        let verifier = self.ports.credentials.verifier(subject.application.client);
        let candidate = Candidate::new(&secret).with_key(key).with_minted_at(minted_at).with_ends_at(mint.ends_at);
        let started = self.ports.session.clock.elapsed();
        loop {
            let assessment = self.session.guard(verifier.verify(&candidate)).await?;
            let pause = assessment.retry_after().unwrap_or(TRIAL_PAUSE).max(TRIAL_PAUSE);
            let spent = self.ports.session.clock.elapsed().saturating_sub(started);
            match assessment.verdict {
                CredentialVerdict::Accepted => return Ok(Proof::SignedIn),
                CredentialVerdict::Rejected => {
                    return Err(assessment.to_error(ErrorKind::Unauthenticated, "the new secret is refused"));
                }
                _ if spent.saturating_add(pause) > self.patience => {
                    return Err(
                        assessment.to_error(ErrorKind::Unavailable, "whether the new secret works is not known")
                    );
                }
                _ => self.wait(pause).await?,
            }
        }
    }

    /// Waits until a role is listed.
    async fn see(&self, role: &Part) -> Result<(), Error> {
        let (subject, started) = (self.subject()?, self.ports.session.clock.elapsed());
        loop {
            let grants = &self.ports.grants;
            let found = self.ride_out(Some(role), || grants.look(&subject, role)).await?;
            if found.presence != Presence::Absent {
                return Ok(());
            }
            let spent = self.ports.session.clock.elapsed().saturating_sub(started);
            if spent.saturating_add(TRIAL_PAUSE) > self.patience {
                return Err(Error::new(ErrorKind::Unavailable, format!("{role} was given and is not listed"))
                    .with_effect(Effect::None)
                    .with_advice("look whether somebody took it away, then resume"));
            }
            self.wait(TRIAL_PAUSE).await?;
        }
    }

    /// Records a definite refusal, and returns the error for the caller.
    pub(super) async fn refused(&self, part: Option<&Part>, error: Error) -> Error {
        let definite = error.effect() == Effect::None
            && matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Conflict | ErrorKind::InvalidInput | ErrorKind::NotFound
            );
        // A lease that another process took is a conflict too: then nothing may be written, and nothing is.
        if !definite {
            return error;
        }
        let blocked = SetupBlocked::of(part, &error);
        match self.record(SetupEvent::Blocked { blocked: blocked.clone() }).await {
            Ok(()) => blocked.to_error(error),
            Err(_) => error,
        }
    }
}

/// Refuses to take an application of the same name for ours, or to make a second one beside it.
pub(super) fn require_free_name(name: &str, named: &[Registered]) -> Result<(), Error> {
    if named.is_empty() {
        return Ok(());
    }
    let ids = named.iter().map(|one| one.client.to_string()).collect::<Vec<_>>().join(" and ");
    Err(Error::new(ErrorKind::Conflict, format!("{name:?} is the name of another application already: {ids}"))
        .with_field("display_name")
        .with_effect(Effect::None)
        .with_advice(
            "a name does not prove whose it is: choose another name, or say by its client id which one to use",
        ))
}
