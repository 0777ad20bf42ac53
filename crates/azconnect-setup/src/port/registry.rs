//! The applications of the customer's tenant.

use async_trait::async_trait;
use azconnect_core::{ApplicationObjectId, ClientId, Error, KeyId, PrincipalObjectId, TenantId};
use azconnect_credential::Marker;

use crate::part::Part;
use crate::spec::{RedirectUri, SetupAudience};

/// How an application is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Which {
    /// By the marker that it was registered under.
    Marked(Marker),
    /// By its display name, which several may have.
    Named(String),
    /// By its client id.
    Client(ClientId),
}

/// An application that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// Its object id.
    pub object: ApplicationObjectId,
    /// Its client id.
    pub client: ClientId,
}

impl Registered {
    /// An application by its two ids.
    pub fn new(object: ApplicationObjectId, client: ClientId) -> Self {
        Self { object, client }
    }
}

/// An application that is to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewRegistration {
    /// What it is found by afterwards.
    pub marker: Marker,
    /// The name that the portal shows.
    pub display_name: String,
    /// Who may sign in to it.
    pub audience: SetupAudience,
    /// Where sign-ins may lead back to.
    pub redirect_uris: Vec<RedirectUri>,
}

impl NewRegistration {
    /// An application of a name, under a marker.
    pub fn new(marker: Marker, display_name: impl Into<String>) -> Self {
        let (audience, redirect_uris) = (SetupAudience::default(), Vec::new());
        Self { marker, display_name: display_name.into(), audience, redirect_uris }
    }

    /// Sets who may sign in to it.
    #[must_use]
    pub fn with_audience(mut self, audience: SetupAudience) -> Self {
        self.audience = audience;
        self
    }

    /// Sets where sign-ins may lead back to.
    #[must_use]
    pub fn with_redirect_uris(mut self, uris: Vec<RedirectUri>) -> Self {
        self.redirect_uris = uris;
        self
    }
}

/// The application that parts are given to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// Its ids.
    pub application: Registered,
    /// Its service principal in the tenant, once that is known.
    pub principal: Option<PrincipalObjectId>,
    /// What everything that is made for it carries.
    pub marker: Marker,
}

impl Subject {
    /// An application, under the marker of its setup.
    pub fn new(application: Registered, marker: Marker) -> Self {
        Self { application, principal: None, marker }
    }

    /// Sets its service principal.
    #[must_use]
    pub fn with_principal(mut self, principal: Option<PrincipalObjectId>) -> Self {
        self.principal = principal;
        self
    }
}

/// What a setup made of an application: whatever else is found there is somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ours {
    /// The public ids of its keys.
    pub keys: Vec<KeyId>,
    /// The markers under which keys were minted.
    pub markers: Vec<Marker>,
    /// The parts that were given.
    pub parts: Vec<Part>,
}

impl Ours {
    /// Keys, markers and parts.
    pub fn new(keys: Vec<KeyId>, markers: Vec<Marker>, parts: Vec<Part>) -> Self {
        Self { keys, markers, parts }
    }
}

/// The applications of one tenant.
#[async_trait]
pub trait Registry: Send + Sync {
    /// The tenant.
    fn tenant(&self) -> TenantId;

    /// The applications that are listed. Idempotent; lists lag behind writes.
    ///
    /// # Errors
    /// If the directory cannot be read. That nobody has that client id is no error.
    async fn find(&self, which: &Which) -> Result<Vec<Registered>, Error>;

    /// Has an application registered under its marker. Idempotent: what is listed under it is returned as it is.
    ///
    /// # Errors
    /// With effect [`Unknown`](azconnect_core::Effect::Unknown) it may exist: do the same again.
    async fn register(&self, wish: &NewRegistration) -> Result<Registered, Error>;

    /// What somebody else does with an application by now, in words for a person: other keys, other trust, other roles.
    /// Idempotent.
    ///
    /// # Errors
    /// If any of it cannot be read: nothing is taken for unused then.
    async fn foreign_uses(&self, subject: &Subject, ours: &Ours) -> Result<Vec<String>, Error>;

    /// Deletes an application, and its service principal with it. Idempotent.
    ///
    /// # Errors
    /// If it is not gone for sure.
    async fn unregister(&self, application: &Registered) -> Result<(), Error>;
}
