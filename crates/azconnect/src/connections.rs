//! What a product keeps about its customers' Azure: connect, test, disconnect.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, Secret, SecretId, SecretStore, TenantId};
use azconnect_credential::{
    Assessment, Candidate, ConnectRequest, ConnectionId, ConnectionKeeper, ConnectionRecord, CredentialKind,
    CredentialVerdict, CredentialVerifier, SubjectId, check_client_secret,
};
use azconnect_store::seal::owner_digest;
use uuid::Uuid;

use crate::azure::Azure;
use crate::principal::Identity;
use crate::storage::Storage;

/// Connects, tests and disconnects customers. Their secrets lie sealed in a store; their records, which hold no secret,
/// are the product's to keep.
#[derive(Clone)]
pub struct Connections {
    azure: Azure,
    secrets: Arc<dyn SecretStore>,
}

impl Azure {
    /// Keeps the secrets of a product's connections: [`connections`](Self::connections) behind their port.
    pub fn connection_keeper(&self, storage: &Storage) -> Arc<dyn ConnectionKeeper> {
        Arc::new(self.connections(storage))
    }

    /// Ends all work on a customer who leaves: the rotation of the application's secret is abandoned and every copy of it that
    /// lies sealed in the storage is destroyed, then the connection's own. The customer's resources, service connections and
    /// keys at Entra ID stay as they are. May be repeated; the product deletes its record afterwards.
    ///
    /// If another connection uses the same application, call [`Connections::disconnect`] instead, which ends no rotation.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) while another process rotates the secret: repeat it then. Else if a store fails.
    pub async fn disconnect(&self, storage: &Storage, record: &ConnectionRecord) -> Result<(), Error> {
        // The rotation first: it reads and writes sealed copies of its own, and must not go on without the connection.
        self.rotator(storage).disconnect(&SubjectId::of_application(record.client)?).await?;
        self.connections(storage).disconnect(record).await
    }

    /// The connections of a product, whose secrets lie sealed in a storage.
    pub fn connections(&self, storage: &Storage) -> Connections {
        Connections::new(self.clone(), storage.secrets())
    }
}

impl Connections {
    /// Connections of one cloud, with their secrets in a store.
    pub fn new(azure: Azure, secrets: Arc<dyn SecretStore>) -> Self {
        Self { azure, secrets }
    }

    /// Proves a secret at Entra ID, then seals it, and returns the record for the product to keep. Nothing is stored
    /// unless the secret works.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what cannot be a secret;
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) if Entra ID refuses it;
    /// [`Unavailable`](ErrorKind::Unavailable) if that could not be found out.
    pub async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<ConnectionRecord, Error> {
        check_client_secret(&secret)?;
        let verifier = self.azure.verifier(request.tenant, request.client);
        // Nobody knows when the customer's secret was made, so it is judged like an old one: a refusal is final.
        accepted(&verifier.verify(&Candidate::new(&secret)).await)?;
        // A name of its own each time: a sealed secret never changes, so connecting again loses nothing.
        let sealed =
            SecretId::new(format!("{}{}", prefix(&request.id, request.tenant, request.client), Uuid::new_v4()))?;
        self.secrets.put(&sealed, &secret).await?;
        let credential = CredentialKind::client_secret(sealed, request.ends_at);
        let mut record =
            ConnectionRecord::new(request.id, request.subscription, request.tenant, request.client, credential);
        record.region = request.region;
        record.resource_group = request.resource_group;
        Ok(record)
    }

    /// Proves a stored credential again. No effect.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) for a record that names the secret of another connection, or whose tenant or client was
    /// changed; else if the sealed secret cannot be opened. What Entra ID says is in the assessment.
    pub async fn test(&self, record: &ConnectionRecord) -> Result<Assessment, Error> {
        let secret = self.open(record).await?;
        Ok(self.azure.verifier(record.tenant, record.client).verify(&Candidate::new(&secret)).await)
    }

    /// Signs in with a stored credential.
    ///
    /// # Errors
    /// As [`Connections::test`].
    pub async fn identity(&self, record: &ConnectionRecord) -> Result<Identity, Error> {
        self.azure.identity_with_secret(record.tenant, record.client, self.open(record).await?)
    }

    /// Destroys the stored secret, and touches no rotation: [`Azure::disconnect`] ends that too. The customer's resources and
    /// the secret at Entra ID stay as they are. Idempotent; the product deletes its record afterwards.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) for a record that names the secret of another connection, which stays; else if the
    /// store fails.
    pub async fn disconnect(&self, record: &ConnectionRecord) -> Result<(), Error> {
        match sealed(record)? {
            Some(id) => self.secrets.remove(id).await,
            None => Ok(()),
        }
    }

    async fn open(&self, record: &ConnectionRecord) -> Result<Secret, Error> {
        require_client_secret(record)?;
        let Some(id) = sealed(record)? else { return Err(no_client_secret(record, "no secret")) };
        self.secrets.get(id).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("the secret of the connection {} is not in the store", record.id))
                .with_advice("connect again with a working secret")
        })
    }
}

#[async_trait]
impl ConnectionKeeper for Connections {
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<ConnectionRecord, Error> {
        Self::connect(self, request, secret).await
    }

    async fn test(&self, record: &ConnectionRecord) -> Result<Assessment, Error> {
        Self::test(self, record).await
    }

    async fn disconnect(&self, record: &ConnectionRecord) -> Result<(), Error> {
        Self::disconnect(self, record).await
    }
}

/// Where the secret of a connection is sealed. A sealed secret opens under its own name alone, so it opens for no other
/// connection, tenant or client.
fn prefix(id: &ConnectionId, tenant: TenantId, client: ClientId) -> String {
    format!("connection/{}/", owner_digest(&[id.as_str(), &tenant.to_string(), &client.to_string()]))
}

/// The sealed secret that a record names. Whoever can write to the product's records must not open others' secrets.
fn sealed(record: &ConnectionRecord) -> Result<Option<&SecretId>, Error> {
    let id = match &record.credential {
        CredentialKind::ClientSecret { secret, .. } | CredentialKind::Certificate { secret, .. } => secret,
        _ => return Ok(None),
    };
    let unique = id.as_str().strip_prefix(&prefix(&record.id, record.tenant, record.client));
    if unique.is_some_and(|unique| Uuid::try_parse(unique).is_ok()) {
        return Ok(Some(id));
    }
    let message = format!("the connection {} names the sealed secret {id}, which is not its own", record.id);
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_field("connection.credential")
        .with_effect(Effect::None)
        .with_advice(
            "the record was changed: restore it, or connect again; for another tenant or client make a new connection",
        ))
}

/// Refuses what is no client secret before it is opened: a certificate's private key must not be sent to Entra ID.
fn require_client_secret(record: &ConnectionRecord) -> Result<(), Error> {
    match &record.credential {
        CredentialKind::ClientSecret { .. } => Ok(()),
        CredentialKind::Certificate { .. } => Err(no_client_secret(record, "a certificate")),
        _ => Err(no_client_secret(record, "another kind of credential")),
    }
}

fn no_client_secret(record: &ConnectionRecord, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the connection {} holds {what}, and no client secret", record.id))
        .with_field("connection.credential")
        .with_effect(Effect::None)
        .with_advice("connect again with a client secret; other ways to sign in are not offered here")
}

fn accepted(assessment: &Assessment) -> Result<(), Error> {
    let (kind, message) = match assessment.verdict {
        CredentialVerdict::Accepted => return Ok(()),
        CredentialVerdict::Rejected | CredentialVerdict::Pending => {
            (ErrorKind::Unauthenticated, "Entra ID does not accept the secret")
        }
        CredentialVerdict::Inconclusive => (ErrorKind::Unavailable, "whether the secret works could not be found out"),
    };
    Err(assessment.to_error(kind, message).in_operation("connection.connect"))
}
