//! What a product keeps about its customers' Azure: connect, find, test, disconnect.

mod change;
mod checked;
mod consumer;
mod disconnect;
mod find;
mod keep;
mod sealed;
mod sweep;

use std::fmt;
use std::sync::Arc;

use azconnect_core::{DocumentId, Effect, Error, ErrorKind, Secret, SecretStore};
use azconnect_credential::{
    ConnectionChecks, ConnectionId, ConnectionKeeper, ConnectionRecord, ConnectionRecords, Records, Revised,
};

use time::OffsetDateTime;

pub use self::consumer::ConnectionSink;
pub use self::disconnect::Disconnected;

use crate::azure::Azure;
use crate::connection_check::ConnectionNeeds;
use crate::principal::Identity;
use crate::storage::Storage;

/// A product's connections to its customers' Azure. Their secrets lie sealed in a store; their records, which hold no secret, are
/// documents beside them.
///
/// A product that has a database of its own implements [`DocumentStore`](azconnect_core::DocumentStore) over it.
///
/// What is written is safe from a crash between any two writes: a secret is sealed before a record names it, and a former
/// one is forgotten after no record names it any more. What a crash leaves behind are sealed secrets that no record names;
/// [`Connections::sweep`] finds them.
#[derive(Clone)]
pub struct Connections {
    azure: Azure,
    secrets: Arc<dyn SecretStore>,
    records: Records<ConnectionRecord>,
    needs: ConnectionNeeds,
}

impl Azure {
    /// The connections of a product, whose records and sealed secrets lie in a storage.
    pub fn connections(&self, storage: &Storage) -> Connections {
        Connections {
            azure: self.clone(),
            secrets: storage.secrets(),
            records: Records::new(storage.documents()),
            needs: ConnectionNeeds::default(),
        }
    }

    /// Connects, tests and disconnects customers: [`connections`](Self::connections) behind their port.
    pub fn connection_keeper(&self, storage: &Storage) -> Arc<dyn ConnectionKeeper> {
        Arc::new(self.connections(storage))
    }

    /// Checks forms and connections: [`connections`](Self::connections) behind that port.
    pub fn connection_checks(&self, storage: &Storage) -> Arc<dyn ConnectionChecks> {
        Arc::new(self.connections(storage))
    }

    /// Finds the connections of a product, and changes what is known of them: [`connections`](Self::connections) behind the
    /// other port.
    pub fn connection_records(&self, storage: &Storage) -> Arc<dyn ConnectionRecords> {
        Arc::new(self.connections(storage))
    }
}

impl Connections {
    /// Signs in with the stored credential of a connection.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such connection, or its secret is not in the store;
    /// [`Unsupported`](ErrorKind::Unsupported) if it belongs to another cloud;
    /// [`Corrupt`](ErrorKind::Corrupt) for a record that names the secret of another connection, or whose tenant or client was
    /// changed; else if the sealed secret cannot be opened.
    pub async fn identity(&self, id: &ConnectionId) -> Result<Identity, Error> {
        let record = self.require(id).await?.value;
        self.identity_of(&record).await
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.azure.pipeline().clock().now()
    }

    pub(crate) async fn identity_of(&self, record: &ConnectionRecord) -> Result<Identity, Error> {
        self.identity_with(record, self.open(record).await?)
    }

    /// Signs in with the secret that was opened for a connection.
    pub(crate) fn identity_with(&self, record: &ConnectionRecord, secret: Secret) -> Result<Identity, Error> {
        self.azure.identity_with_secret(record.tenant, record.client, secret)
    }

    async fn require(&self, id: &ConnectionId) -> Result<Revised<ConnectionRecord>, Error> {
        self.records.get(&name(id)?).await?.ok_or_else(|| unknown(id))
    }

    pub(crate) async fn open(&self, record: &ConnectionRecord) -> Result<Secret, Error> {
        self.check_cloud(record)?;
        let id = sealed::client_secret(record)?;
        self.secrets.get(id).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("the secret of the connection {} is not in the store", record.id))
                .with_effect(Effect::None)
                .with_advice("give the connection a working secret (`replace_secret`), or disconnect it")
        })
    }

    /// A secret must not be sent to the login of another cloud.
    fn check_cloud(&self, record: &ConnectionRecord) -> Result<(), Error> {
        let own = self.azure.cloud().name();
        match &record.cloud {
            Some(cloud) if cloud != own => Err(Error::new(
                ErrorKind::Unsupported,
                format!("the connection {} belongs to the cloud {cloud}, and this is {own}", record.id),
            )
            .with_field("connection.cloud")
            .with_effect(Effect::None)
            .with_advice("use an Azure that was built for the connection's cloud")),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("cloud", &self.azure.cloud().name()).finish_non_exhaustive()
    }
}

fn name(id: &ConnectionId) -> Result<DocumentId, Error> {
    DocumentId::new(id.as_str())
}

fn unknown(id: &ConnectionId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no connection {id}"))
        .with_field("id")
        .with_effect(Effect::None)
        .with_advice("list the connections, or connect first")
}
