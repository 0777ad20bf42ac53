//! A connection as a consumer of its application's secret.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, Secret, TenantId};
use azconnect_credential::{
    Assessment, Candidate, Check, ConnectionId, ConnectionRecord, CredentialSink, CredentialVerdict,
    CredentialVerifier, NewSecret, PushReceipt, SinkId, SinkReport,
};
use azconnect_identity::{OwnCredentialSink, OwnRecord};

use super::keep::Known;
use super::{Connections, sealed};
use crate::principal::Identity;

/// The secret that a connection keeps, as a consumer of a rotation: a new one is sealed, named in the record, and the former
/// one forgotten.
///
/// Where the connection's own identity performs the rotation, use [`Connections::own_sink`] instead: that one also changes what the
/// running process signs in with.
#[derive(Clone, Debug)]
pub struct ConnectionSink {
    connections: Connections,
    connection: ConnectionId,
    id: SinkId,
    application: Option<Application>,
}

/// The application whose secret is rotated. A connection of the same name that is another application's by now keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Application {
    tenant: TenantId,
    client: ClientId,
}

impl Application {
    fn of(record: &ConnectionRecord) -> Self {
        Self { tenant: record.tenant, client: record.client }
    }
}

impl ConnectionSink {
    /// Says whose secret is rotated: a connection that was disconnected, and made again under its name for another application,
    /// is refused, and keeps its secret.
    #[must_use]
    pub fn with_application(mut self, tenant: TenantId, client: ClientId) -> Self {
        self.application = Some(Application { tenant, client });
        self
    }
}

impl Connections {
    /// A connection as a consumer of its application's secret. Nothing is read here.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that is too long to make a sink's id.
    pub fn sink(&self, id: &ConnectionId) -> Result<ConnectionSink, Error> {
        let sink = SinkId::new(format!("connection:{id}"))?;
        Ok(ConnectionSink { connections: self.clone(), connection: id.clone(), id: sink, application: None })
    }

    /// The same for the identity of the connection itself, where that performs the rotation: a push also changes what the running
    /// process signs in with. It has the same name, so that a journal knows the connection by one, whoever mints.
    ///
    /// # Errors
    /// As [`Connections::sink`].
    pub fn own_sink(&self, id: &ConnectionId, identity: &Identity) -> Result<OwnCredentialSink, Error> {
        let record = self.own_record_of(id, identity.tenant(), identity.client());
        identity.own_credential_as(self.sink(id)?.id, record)
    }

    /// The secret of a connection as the record that an identity follows: [`Identity::with_record`](crate::Identity::with_record).
    pub fn own_record(&self, id: &ConnectionId) -> Arc<dyn OwnRecord> {
        Arc::new(FollowedConnection { connections: self.clone(), connection: id.clone(), application: None })
    }

    /// The same, for an identity of one application alone.
    pub(crate) fn own_record_of(&self, id: &ConnectionId, tenant: TenantId, client: ClientId) -> Arc<dyn OwnRecord> {
        let application = Some(Application { tenant, client });
        Arc::new(FollowedConnection { connections: self.clone(), connection: id.clone(), application })
    }

    /// The secret that a record names, or `None` if it is not in the store.
    pub(crate) async fn held(&self, record: &ConnectionRecord) -> Result<Option<Secret>, Error> {
        match self.open(record).await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has a connection keep a secret, unless it does already, and returns the record that names it.
    async fn hold(
        &self,
        id: &ConnectionId,
        application: Option<Application>,
        candidate: &Candidate<'_>,
    ) -> Result<ConnectionRecord, Error> {
        let record = self.require(id).await?.value;
        require_application(&record, application)?;
        if self.held(&record).await?.is_some_and(|held| held.same_as(candidate.secret)) {
            return Ok(record);
        }
        let known = Known { key: candidate.key, ends_at: candidate.ends_at };
        self.take(&record, &NewSecret::new(candidate.secret.duplicate()), known).await
    }
}

#[async_trait]
impl CredentialSink for ConnectionSink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let record = self.connections.require(&self.connection).await?.value;
        // What it names must be its own, and of this cloud, before a secret is exchanged for it.
        self.connections.check_cloud(&record)?;
        sealed::client_secret(&record)?;
        let report = SinkReport::new(format!("connection {} of this product", record.title()));
        Ok(match require_application(&record, self.application) {
            Ok(()) => report,
            Err(error) => {
                report.with_checks([Check::failed_by(OTHER_APPLICATION, "application", &error)].into_iter().collect())
            }
        })
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        let record = self.connections.hold(&self.connection, self.application, candidate).await?;
        let name = sealed::client_secret(&record)?.to_string();
        Ok(PushReceipt::new(format!("the connection names the sealed secret {name}")).with_revision(Some(name)))
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let held = async {
            let record = self.connections.require(&self.connection).await?.value;
            let name = sealed::client_secret(&record)?.to_string();
            Ok::<_, Error>((self.connections.held(&record).await?, name, record))
        };
        let (held, name, record) = match held.await {
            Ok(found) => found,
            Err(error) => return Assessment::inconclusive(&error),
        };
        if candidate.revision.is_some_and(|revision| revision != name)
            || held.is_none_or(|held| !held.same_as(candidate.secret))
        {
            return Assessment::new(CredentialVerdict::Rejected, "the connection has another secret by now")
                .with_advice("the rotation pushes the new one again; find out who gave the connection another secret");
        }
        self.connections.azure.verifier(record.tenant, record.client).verify(candidate).await
    }
}

/// A connection's secret, for an identity that follows it.
struct FollowedConnection {
    connections: Connections,
    connection: ConnectionId,
    application: Option<Application>,
}

/// The code of the check that finds a connection to be another application's.
const OTHER_APPLICATION: &str = "other-application";

fn require_application(record: &ConnectionRecord, wanted: Option<Application>) -> Result<(), Error> {
    let Some(wanted) = wanted.filter(|wanted| *wanted != Application::of(record)) else { return Ok(()) };
    let (id, client) = (&record.id, record.client);
    let message = format!("the connection {id} signs in as {client}, and not as {}", wanted.client);
    Err(Error::new(ErrorKind::Conflict, message)
        .with_service_code("OtherApplication")
        .with_effect(Effect::None)
        .with_advice("unbind it from this application, and bind it to its own"))
}

#[async_trait]
impl OwnRecord for FollowedConnection {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        let record = self.connections.require(&self.connection).await?.value;
        require_application(&record, self.application)?;
        self.connections.held(&record).await
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        self.connections.hold(&self.connection, self.application, candidate).await.map(drop).map_err(
            |error| match error.kind() {
                // Nothing was written: there is no connection to write it to.
                ErrorKind::NotFound => error.with_effect(Effect::None),
                _ => error,
            },
        )
    }
}
