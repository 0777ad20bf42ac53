//! The orchestrator: performs what is decided, and records what is intended and what has happened.

mod back;
mod forward;
mod mint;
mod patience;
mod plan;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Secret, SecretStore};
use azconnect_credential::Marker;
use azconnect_saga::{Claim, Session, SessionPorts};
use uuid::Uuid;

use crate::account::{SetUp, SetupPlan, SetupStatus, TakenBack};
use crate::decide::{Action, decide};
use crate::event::SetupEvent;
use crate::id::SetupId;
use crate::port::{Credentials, Grants, Registered, Registry, Subject};
use crate::saga::{SetupSaga, stream};
use crate::setup::Setup;
use crate::spec::SetupSpec;
use crate::state::{SetupPhase, SetupState};

/// How long what may pass by itself is ridden out, unless another time is chosen. A role was seen to take 252 s to know a new
/// principal.
const PATIENCE: Duration = Duration::from_secs(600);

/// The ports that a setup stands on.
#[derive(Clone)]
#[non_exhaustive]
pub struct SetupPorts {
    /// Journal, lease and clock.
    pub session: SessionPorts,
    /// Where secrets are sealed.
    pub secrets: Arc<dyn SecretStore>,
    /// The applications of the tenant.
    pub registry: Arc<dyn Registry>,
    /// What applications are given.
    pub grants: Arc<dyn Grants>,
    /// Who mints and proves their secrets.
    pub credentials: Arc<dyn Credentials>,
}

impl SetupPorts {
    /// All five.
    pub fn new(
        session: SessionPorts,
        secrets: Arc<dyn SecretStore>,
        registry: Arc<dyn Registry>,
        grants: Arc<dyn Grants>,
        credentials: Arc<dyn Credentials>,
    ) -> Self {
        Self { session, secrets, registry, grants, credentials }
    }
}

/// Sets applications up in one tenant, with a journal, so that a killed process loses nothing. Cheap to clone.
#[derive(Clone)]
pub struct ApplicationSetup {
    ports: SetupPorts,
    patience: Duration,
    holder: String,
}

/// One setup under its lease.
struct Site<'a> {
    ports: &'a SetupPorts,
    patience: Duration,
    id: &'a SetupId,
    session: Session<SetupSaga>,
}

impl ApplicationSetup {
    /// An orchestrator over its ports. Nothing is sent.
    pub fn new(ports: SetupPorts) -> Self {
        Self { ports, patience: PATIENCE, holder: "setup".to_owned() }
    }

    /// Sets how long what may pass by itself is ridden out at each step; ten minutes unless set.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets what this process is called in the lease.
    #[must_use]
    pub fn with_holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = holder.into();
        self
    }

    /// The secret of an application that was set up, for [`ConnectionKeeper::connect`](azconnect_credential::ConnectionKeeper)
    /// or for whoever signs in with it. An undo forgets it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if that setup has none, or has none any more.
    pub async fn secret(&self, id: &SetupId) -> Result<Secret, Error> {
        let state = azconnect_saga::read::<SetupSaga>(&*self.ports.session.journal, &stream(id)?).await?.state;
        let sealed = state.mint.filter(|mint| mint.key.is_some());
        let Some(mint) = sealed else { return Err(absent("that setup has no secret")) };
        self.ports.secrets.get(&mint.secret).await?.ok_or_else(|| absent("the secret of that setup was forgotten"))
    }

    async fn open<'a>(&'a self, id: &'a SetupId) -> Result<Site<'a>, Error> {
        let claim = Claim::new(stream(id)?)?.with_holder(&self.holder);
        let session = Session::<SetupSaga>::open(&self.ports.session, claim).await?;
        Ok(Site { ports: &self.ports, patience: self.patience, id, session })
    }

    fn check_tenant(&self, spec: &SetupSpec) -> Result<(), Error> {
        if spec.tenant == self.ports.registry.tenant() {
            return Ok(());
        }
        Err(Error::invalid("tenant", "is not the tenant that the operator signs in to")
            .with_advice("sign in to the tenant of the specification"))
    }

    async fn begin(&self, site: &Site<'_>, plan: &SetupPlan) -> Result<(), Error> {
        let state = site.session.state();
        match (&state.spec, state.phase) {
            (None, _) | (Some(_), SetupPhase::Undone) => {
                let marker = Marker::new(format!("azconnect-setup-{}", Uuid::new_v4()))?;
                site.record(SetupEvent::Begun { spec: Box::new(plan.spec.clone()), marker }).await
            }
            (Some(spec), _) if *spec == plan.spec => Ok(()),
            (Some(_), _) => Err(Error::new(ErrorKind::Conflict, "another application was begun under this name")
                .with_effect(Effect::None)
                .with_field("setup_id")
                .with_advice("choose another name, or undo the other setup first")),
        }
    }
}

impl Site<'_> {
    /// Decides and performs until nothing is left to do.
    async fn drive(&self) -> Result<(), Error> {
        loop {
            match decide(&self.session.state()) {
                Action::Register => self.register().await?,
                Action::Give(part) => self.give(&part).await?,
                Action::Mint => self.mint().await?,
                Action::Sweep => self.sweep().await?,
                Action::Prove => self.prove().await?,
                Action::Finish => self.record(SetupEvent::Finished).await?,
                Action::SettleRegistration => self.settle_registration().await?,
                Action::Take(part) => self.take(&part).await?,
                Action::Unregister => self.unregister().await?,
                Action::Close => self.record(SetupEvent::Undone).await?,
                Action::Rest => return Ok(()),
            }
        }
    }

    async fn record(&self, event: SetupEvent) -> Result<(), Error> {
        self.session.append(&[event]).await.map(drop)
    }

    /// The application of this setup, as the ports want it.
    fn subject(&self) -> Result<Subject, Error> {
        let state = self.session.state();
        let (Some(registration), Some(marker)) = (state.registration, &state.marker) else {
            return Err(Error::new(ErrorKind::Corrupt, "the journal names no application").with_effect(Effect::None));
        };
        let application = Registered::new(registration.object, registration.client);
        Ok(Subject::new(application, marker.clone()).with_principal(state.principal))
    }

    fn spec(&self) -> Result<SetupSpec, Error> {
        self.session.state().spec.clone().ok_or_else(|| absent("nothing was begun under this name"))
    }
}

#[async_trait]
impl Setup for ApplicationSetup {
    async fn plan(&self, id: SetupId, spec: SetupSpec) -> Result<SetupPlan, Error> {
        spec.check()?;
        self.check_tenant(&spec)?;
        plan::plan(&self.ports, id, spec).await
    }

    async fn run(&self, plan: &SetupPlan) -> Result<SetUp, Error> {
        plan.spec.check()?;
        self.check_tenant(&plan.spec)?;
        let site = self.open(&plan.id).await?;
        let begun = self.begin(&site, plan).await;
        finish(site, begun).await
    }

    async fn resume(&self, id: &SetupId) -> Result<SetUp, Error> {
        let site = self.open(id).await?;
        let begun = site.spec().and_then(|spec| self.check_tenant(&spec));
        finish(site, begun).await
    }

    async fn undo(&self, id: &SetupId) -> Result<TakenBack, Error> {
        let site = self.open(id).await?;
        let taken = match site.spec().and_then(|spec| self.check_tenant(&spec)) {
            Ok(()) => site.take_back().await,
            Err(error) => Err(error),
        };
        site.session.close().await;
        taken
    }

    async fn status(&self, id: &SetupId) -> Result<SetupStatus, Error> {
        let state = azconnect_saga::read::<SetupSaga>(&*self.ports.session.journal, &stream(id)?).await?.state;
        SetupStatus::of(id, &state).ok_or_else(|| absent("nothing was begun under this name"))
    }
}

/// Drives a setup that was begun to its end, and gives its lease back whatever comes.
async fn finish(site: Site<'_>, begun: Result<(), Error>) -> Result<SetUp, Error> {
    let driven = match begun {
        Ok(()) => site.forward().await,
        Err(error) => Err(error),
    };
    let state = site.session.state();
    let id = site.id.clone();
    site.session.close().await;
    driven?;
    SetUp::of(&id, &state).ok_or_else(|| Error::new(ErrorKind::Corrupt, "the journal names no service principal"))
}

impl Site<'_> {
    async fn forward(&self) -> Result<(), Error> {
        match self.session.state().phase {
            SetupPhase::Running | SetupPhase::Done => self.drive().await,
            _ => Err(Error::new(ErrorKind::Conflict, "this setup is being taken back, or was")
                .with_effect(Effect::None)
                .with_advice("finish the undo, then run it anew")),
        }
    }

    async fn take_back(&self) -> Result<TakenBack, Error> {
        if matches!(self.session.state().phase, SetupPhase::Running | SetupPhase::Done) {
            self.record(SetupEvent::UndoBegun).await?;
        }
        self.drive().await?;
        let state: Arc<SetupState> = self.session.state();
        Ok(TakenBack::of(&state))
    }
}

fn absent(message: &str) -> Error {
    Error::new(ErrorKind::NotFound, message)
        .with_effect(Effect::None)
        .with_advice("check the name, and that the journal is the right one")
}

impl fmt::Debug for ApplicationSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationSetup").field("tenant", &self.ports.registry.tenant()).finish_non_exhaustive()
    }
}
