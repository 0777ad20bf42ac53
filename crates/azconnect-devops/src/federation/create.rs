//! Creating a federated connection with an application of one's own: the connection first, then the trust in it.

use std::fmt;

use azconnect_core::{ClientId, Effect, Error, ErrorKind, TenantId};
use serde::Serialize;

use super::trust::ensure;
use super::{FederatedCredentials, FederatedTrust};
use crate::background::{failure, passes};
use crate::create::NewConnection;
use crate::document::{Endpoint, EndpointId};
use crate::endpoint::Endpoints;

/// A federated connection that was created, and that its application may not trust yet. Keep it, and go on with
/// [`Endpoints::complete_federated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CreatedConnection {
    /// The connection's id.
    pub id: EndpointId,
    /// The connection's name in the project.
    pub name: String,
    /// The tenant of the application that it shall sign in as.
    pub tenant: TenantId,
    /// The client id of the application that it shall sign in as.
    pub client: ClientId,
}

impl CreatedConnection {
    /// A connection that was created to sign in as an application.
    pub fn new(id: EndpointId, name: impl Into<String>, tenant: TenantId, client: ClientId) -> Self {
        Self { id, name: name.into(), tenant, client }
    }
}

/// Why a federated connection was not created, or not completed.
///
/// As an [`Error`] it says the same in its message and advice.
#[derive(Debug)]
pub struct FederatedCreationError {
    error: Box<Error>,
    created: Option<Box<CreatedConnection>>,
}

impl FederatedCreationError {
    /// What failed. Its effect is [`Unknown`](Effect::Unknown) wherever a connection was or may have been created.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The connection that exists and lacks the trust of its application, where it is known by id.
    pub fn created(&self) -> Option<&CreatedConnection> {
        self.created.as_deref()
    }

    fn before(error: Error) -> Self {
        Self { error: Box::new(error), created: None }
    }

    fn after(created: &CreatedConnection, error: Error) -> Self {
        let advice = format!(
            "the connection {:?} exists with the id {}, and its application may not trust it yet: go on with \
             complete_federated, or delete the connection; the cause: {}",
            created.name,
            created.id,
            error.advice()
        );
        let error = error.in_operation("devops.federation.create").with_effect(Effect::Unknown).with_advice(advice);
        Self { error: Box::new(error), created: Some(Box::new(created.clone())) }
    }
}

impl fmt::Display for FederatedCreationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for FederatedCreationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl From<FederatedCreationError> for Error {
    fn from(failed: FederatedCreationError) -> Self {
        *failed.error
    }
}

impl Endpoints {
    /// Creates a connection with workload identity federation and an application of one's own, then has the application
    /// trust it: issuer and subject are known only once the connection exists.
    ///
    /// # Errors
    /// As [`Organization::create_connection`](crate::Organization::create_connection). Where anything failed after that, the
    /// connection exists: [`FederatedCreationError::created`] names it, and [`Endpoints::complete_federated`] goes on.
    ///
    /// # Cancel safety
    /// Not cancel safe: the connection may exist without the trust, findable by its name.
    pub async fn create_federated(
        &self,
        connection: &NewConnection<'_>,
        credentials: &dyn FederatedCredentials,
    ) -> Result<(Endpoint, FederatedTrust), FederatedCreationError> {
        let Some((tenant, client)) = connection.federated_application() else {
            return Err(FederatedCreationError::before(
                Error::invalid("credential", "is not a federation with an application of one's own").with_advice(
                    "build the connection with FederationManual; Azure DevOps makes every other trust itself",
                ),
            ));
        };
        let named = |id| CreatedConnection::new(id, connection.name(), tenant, client);
        self.require_free_name(connection).await.map_err(FederatedCreationError::before)?;
        match self.organization.create_connection(connection).await {
            Ok(endpoint) => {
                let created = named(endpoint.id());
                self.trust(&created, Some(endpoint), credentials).await
            }
            // The answer was lost, or could not be read: only the name is known.
            Err(error) if error.effect() == Effect::Unknown => Err(match self.find_created(connection, &named).await {
                Some(created) => FederatedCreationError::after(&created, error),
                None => FederatedCreationError::before(error.with_advice(format!(
                    "look for the connection by its name, {:?}: it may have been created, without a trust",
                    connection.name()
                ))),
            }),
            Err(error) => Err(FederatedCreationError::before(error)),
        }
    }

    /// Goes on where [`Endpoints::create_federated`] stopped: reads the connection until it names issuer and subject, and has
    /// its application trust it. Idempotent.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the connection names another application than it was created for, which is then
    /// not made to trust it; with the service's own text if it could not set the connection up. As the port.
    ///
    /// # Cancel safety
    /// Cancel safe: do it again.
    pub async fn complete_federated(
        &self,
        created: &CreatedConnection,
        credentials: &dyn FederatedCredentials,
    ) -> Result<(Endpoint, FederatedTrust), FederatedCreationError> {
        self.trust(created, None, credentials).await
    }

    async fn trust(
        &self,
        created: &CreatedConnection,
        shown: Option<Endpoint>,
        credentials: &dyn FederatedCredentials,
    ) -> Result<(Endpoint, FederatedTrust), FederatedCreationError> {
        let failed = |error| FederatedCreationError::after(created, error);
        let endpoint = self.with_subject(created.id, shown).await.map_err(failed)?;
        let trust = FederatedTrust::of(&endpoint).map_err(failed)?;
        // Whoever changes the connection meanwhile must not have another application trust it.
        if !trust.is_of(created.tenant, created.client) {
            return Err(failed(
                Error::new(ErrorKind::Conflict, "the connection names another application than it was created for")
                    .with_advice("nothing was trusted; find out who changed the connection"),
            ));
        }
        ensure(credentials, &trust, endpoint.id(), self.organization().name()).await.map_err(failed)?;
        Ok((endpoint, trust))
    }

    /// The connection once it names issuer and subject: the service may do that in the background.
    async fn with_subject(&self, id: EndpointId, mut shown: Option<Endpoint>) -> Result<Endpoint, Error> {
        let started = self.elapsed();
        loop {
            let read = match shown.take() {
                Some(endpoint) => Ok(endpoint),
                None => self.get(id).await,
            };
            let missing = match read {
                Ok(endpoint) => match (FederatedTrust::of(&endpoint), failure(&endpoint)) {
                    (_, Some(failure)) => return Err(failure),
                    (Ok(_), None) => return Ok(endpoint),
                    (Err(missing), None) => missing,
                },
                Err(error) if passes(&error) => error,
                Err(error) => return Err(error),
            };
            if !self.pause(self.ready, started).await {
                return Err(missing);
            }
        }
    }

    /// Refuses a name that is taken: after a lost answer, the connection of that name is then the one that was created.
    async fn require_free_name(&self, wish: &NewConnection<'_>) -> Result<(), Error> {
        // Effect none: so far there was a reading alone.
        let found = self.by_names(&[wish.name()]).await.map_err(|error| error.with_effect(Effect::None))?;
        if found.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, format!("a connection with the name {:?} exists already", wish.name()))
            .with_effect(Effect::None)
            .in_operation("devops.federation.create")
            .with_advice("choose another name, or use the connection that is there"))
    }

    /// The connection that a creation with a lost answer has left behind: the one of its name and application.
    async fn find_created(
        &self,
        wish: &NewConnection<'_>,
        named: &(dyn Fn(EndpointId) -> CreatedConnection + Sync),
    ) -> Option<CreatedConnection> {
        let found = self.by_names(&[wish.name()]).await.ok()?;
        let [endpoint] = found.as_slice() else { return None };
        let created = named(endpoint.id());
        let is = |key: &str, id: String| endpoint.parameter(key).is_some_and(|own| own.eq_ignore_ascii_case(&id));
        let same = is("tenantid", created.tenant.to_string()) && is("serviceprincipalid", created.client.to_string());
        (endpoint.is_federated() && same).then_some(created)
    }
}
