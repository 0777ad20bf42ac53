//! The port that creates, changes and deletes connections.

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_devops::{
    Deletion, Endpoint, EndpointChange, NewConnection, ProjectAddress, ServiceConnectionWriter, StoredSecret,
    UpdatedEndpoint,
};
use serde_json::{Map, Value};

use super::document::keep_masks;
use super::{DevOpsCaller, DevOpsStep, refused, split};

#[async_trait]
impl ServiceConnectionWriter for DevOpsCaller {
    async fn create(&self, project: &ProjectAddress, connection: &NewConnection<'_>) -> Result<Endpoint, Error> {
        let now = self.service.clock.now();
        self.write(DevOpsStep::Write, |world| {
            let owner = world.project(project)?.clone();
            if owner.id != connection.project() {
                return Err(Error::invalid("project", "is not the one for which the connection was built")
                    .with_advice("build the connection for this project"));
            }
            self.require_administrator()?;
            world.require_free(owner.id, connection.name(), None)?;
            let id = world.add(&project.organization, &owner, split(object(&connection.preview()?)?)?, now);
            world.see(&project.connection(id))
        })
    }

    async fn update(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        change: &EndpointChange<'_>,
    ) -> Result<UpdatedEndpoint, Error> {
        let now = self.service.clock.now();
        let address = project.connection(before.id());
        self.write(DevOpsStep::Write, |world| {
            let current = world.see(&address)?;
            require_unchanged(before, &current)?;
            let (mut document, secret) = split(object(&change.preview(&current)?)?)?;
            self.require_administrator()?;
            let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
            world.require_free(world.project(project)?.id, name, Some(before.id()))?;
            let (held, _) = world.open(&address)?;
            let stored = match secret {
                Some(secret) => {
                    held.secret = Some(secret);
                    StoredSecret::Replaced
                }
                // The stored secret stays, and with it the mask that tells that there is one.
                None => {
                    keep_masks(&held.document, &mut document);
                    StoredSecret::Works
                }
            };
            held.document = document;
            world.touch(before.id(), now);
            Ok(UpdatedEndpoint::new(world.see(&address)?, stored))
        })
    }

    async fn delete(&self, connection: &azconnect_devops::ConnectionAddress, _: Deletion) -> Result<(), Error> {
        self.write(DevOpsStep::Write, |world| {
            // Looked for before the permission: what is gone may be deleted by anybody.
            if world.see(connection).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                return Ok(());
            }
            self.require_administrator()?;
            world.connections.retain(|held| held.id != connection.id);
            Ok(())
        })
    }
}

/// Refuses a change of what somebody changed since it was read.
pub(super) fn require_unchanged(before: &Endpoint, current: &Endpoint) -> Result<(), Error> {
    if before.modification_date() == current.modification_date() {
        return Ok(());
    }
    Err(refused(ErrorKind::Conflict, "somebody changed the connection since it was read")
        .with_advice("read the connection again and decide again"))
}

/// The object that a text in JSON is.
fn object(text: &Secret) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(text.expose())
        .map_err(|_| refused(ErrorKind::InvalidInput, "the connection is no JSON object"))
}
