//! The end of a connection.

use azconnect_arm::port::{MachineSummary, Machines as _};
use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{ConnectionId, ConnectionRecord, SubjectId};

use super::change::busy;
use super::{Connections, name, sealed};
use crate::azure::Azure;
use crate::storage::Storage;

/// How often the end begins again because the record was changed meanwhile.
const ATTEMPTS: u32 = 8;

/// What was ended, and what stays at the customer's.
#[derive(Debug)]
#[non_exhaustive]
pub struct Disconnected {
    /// Whether the rotation of the application's secret was ended too. It goes on for other connections that share the
    /// application.
    pub rotation_ended: bool,
    /// The other connections that sign in as the same application.
    pub shares_application_with: Vec<ConnectionId>,
    /// The machines of ours that still run in the customer's subscription, or why they could not be listed. Disconnecting
    /// deletes none of them.
    pub machines: Result<Vec<MachineSummary>, Error>,
}

impl Azure {
    /// Ends all work on a customer who leaves. The rotation of the application's secret is abandoned, and every copy of it that
    /// lies sealed in the storage is destroyed, unless another connection uses the same application; then the connection's own
    /// secret is destroyed, and its record. The customer's resources, service connections and keys at Entra ID stay as they
    /// are; the answer names the machines that were created for the customer and are still there.
    ///
    /// May be repeated: `None` if there is no such connection.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) while another process rotates the secret: repeat it then. Else if a store fails.
    pub async fn disconnect(&self, storage: &Storage, id: &ConnectionId) -> Result<Option<Disconnected>, Error> {
        let connections = self.connections(storage);
        let Some(record) = connections.get(id).await? else { return Ok(None) };
        let shares_application_with = connections.sharing(&record).await?;
        // While there still is a secret to look with.
        let machines = connections.machines(&record).await;
        let rotation_ended = shares_application_with.is_empty();
        if rotation_ended {
            // Before the secret: a rotation reads and writes sealed copies, and must not go on without the connection.
            self.rotator(storage).disconnect(&SubjectId::of_application(record.client)?).await?;
        }
        connections.disconnect(id).await?;
        Ok(Some(Disconnected { rotation_ended, shares_application_with, machines }))
    }
}

impl Connections {
    /// Destroys the stored secret of a connection, then its record, and touches no rotation: [`Azure::disconnect`] ends that
    /// too. The customer's resources and the secret at Entra ID stay as they are. Idempotent.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) for a record that names the secret of another connection, which stays; else if a
    /// store fails.
    pub async fn disconnect(&self, id: &ConnectionId) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.records.get(&name(id)?).await? else { return Ok(()) };
            // The secret first: a record without one is seen and ended again, a secret without a record is not.
            if let Some(secret) = sealed::sealed(&found.value)? {
                self.secrets.remove(secret).await?;
            }
            match self.records.remove(&name(id)?, found.revision).await {
                // Given another secret meanwhile, which has to go as well.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                ended => return ended,
            }
        }
        Err(busy(id))
    }

    /// The machines in the customer's subscription that provisionings of this product have created.
    async fn machines(&self, record: &ConnectionRecord) -> Result<Vec<MachineSummary>, Error> {
        let acting = self.identity_of(record).await?;
        let all = acting.arm().subscription(record.subscription).list().await?;
        Ok(all.into_iter().filter(|machine| machine.provision.is_some()).collect())
    }
}
