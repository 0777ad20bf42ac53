//! What people do to service connections.

use std::collections::BTreeMap;

use azconnect_core::{Error, KeyId, Secret};
use uuid::Uuid;

use super::{Person, missing};
use crate::base::moment::Moment;
use crate::model::devops::confidential::{confidential_parameter, mark_secret};
use crate::model::devops::{Connection, DevOps, Reference};
use crate::model::world::World;

impl Person {
    /// Types a secret into a service connection, in place of the one that it holds.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is no such connection, or its scheme holds no secret.
    pub fn set_connection_secret(&self, connection: Uuid, secret: &Secret) -> Result<(), Error> {
        self.act(|world, now| put_secret(find(world, connection, now)?, secret.duplicate(), now))
    }

    /// Puts the secret of a key into a service connection, live or removed.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is no such connection or key, or its scheme holds no
    /// secret.
    pub fn put_key_into_connection(&self, connection: Uuid, key: KeyId) -> Result<(), Error> {
        self.act(|world, now| {
            let secret = world.directory.secret_of(&key.to_string());
            let secret = secret.ok_or_else(|| missing(format!("no secret is called {key}")))?;
            put_secret(find(world, connection, now)?, secret, now)
        })
    }

    /// Renames a service connection, in every project that it is in.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is no such connection.
    pub fn rename_connection(&self, connection: Uuid, name: &str) -> Result<(), Error> {
        self.act(|world, now| {
            let found = find(world, connection, now)?;
            for reference in &mut found.references {
                name.clone_into(&mut reference.name);
            }
            found.document.insert("name".to_owned(), name.into());
            found.modified = now.wall;
            Ok(())
        })
    }

    /// Changes the document of a service connection, such as its registry, its scheme, or whether it is disabled. What the
    /// document does not hold, such as its secret, stays.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is no such connection.
    pub fn edit_connection(
        &self,
        connection: Uuid,
        edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
    ) -> Result<(), Error> {
        self.act(|world, now| {
            let found = find(world, connection, now)?;
            edit(&mut found.document);
            found.modified = now.wall;
            Ok(())
        })
    }

    /// Deletes a service connection out of all its projects. It is gone at once.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is no such connection.
    pub fn delete_connection(&self, connection: Uuid) -> Result<(), Error> {
        self.act(|world, now| {
            find(world, connection, now)?.deleted_at = Some(now.elapsed);
            Ok(())
        })
    }

    /// Makes a service connection again as it was when it was deleted, under the same name and with this secret. The new
    /// one has an id of its own, which is returned. One that still exists is deleted first.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there never was such a connection, or its scheme holds no
    /// secret.
    pub fn recreate_connection(&self, connection: Uuid, secret: &Secret) -> Result<Uuid, Error> {
        self.act(|world, now| {
            let id = world.dice.guid();
            let organizations = &mut world.devops.organizations;
            let home = organizations.iter_mut().find(|one| one.connections.iter().any(|one| one.id == connection));
            let home = home.ok_or_else(|| no_connection(connection))?;
            let old = home.connections.iter_mut().find(|one| one.id == connection);
            let old = old.ok_or_else(|| no_connection(connection))?;
            let mut new = again(old, id, now);
            put_secret(&mut new, secret.duplicate(), now)?;
            if old.exists(now.elapsed) {
                old.deleted_at = Some(now.elapsed);
            }
            home.connections.push(new);
            Ok(id)
        })
    }

    /// Renames an organization: its former address answers no more.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is no such organization.
    pub fn rename_organization(&self, organization: &str, name: &str) -> Result<(), Error> {
        self.act(|world, _| {
            let found = world.devops.organization_mut(organization);
            let missing = || missing(format!("no organization is called {organization}"));
            name.clone_into(&mut found.ok_or_else(missing)?.name);
            Ok(())
        })
    }
}

fn find(world: &mut World, connection: Uuid, now: Moment) -> Result<&mut Connection, Error> {
    let DevOps { organizations } = &mut world.devops;
    let mut found = organizations.iter_mut().filter_map(|one| one.connection_mut(connection, now.elapsed));
    found.next().ok_or_else(|| no_connection(connection))
}

fn put_secret(connection: &mut Connection, secret: Secret, now: Moment) -> Result<(), Error> {
    let held = connection.secrets.first().map(|(name, _)| name.clone());
    let parameter = held.or_else(|| confidential_parameter(&connection.document).map(str::to_owned));
    let parameter =
        parameter.ok_or_else(|| missing(format!("the service connection {} holds no secret", connection.id)))?;
    mark_secret(&mut connection.document, &parameter);
    connection.secrets.retain(|(name, _)| !name.eq_ignore_ascii_case(&parameter));
    connection.secrets.insert(0, (parameter, secret));
    connection.broken = false;
    connection.modified = now.wall;
    Ok(())
}

/// The same connection under another id, as a person makes it in the portal.
fn again(old: &Connection, id: Uuid, now: Moment) -> Connection {
    let reference = |old: &Reference| Reference {
        project: old.project,
        name: old.name.clone(),
        description: old.description.clone(),
    };
    let secrets = old.secrets.iter().map(|(name, text)| (name.clone(), text.duplicate()));
    Connection {
        id,
        owner_project: old.owner_project,
        references: old.references.iter().map(reference).collect(),
        document: old.document.clone(),
        secrets: secrets.collect(),
        broken: false,
        creator: None,
        created: now.wall,
        modified: now.wall,
        modified_by: None,
        ready_at: None,
        failure: None,
        deleted_at: None,
        executions: Vec::new(),
        pipelines: BTreeMap::new(),
        converted: None,
        background: None,
    }
}

fn no_connection(connection: Uuid) -> Error {
    missing(format!("no service connection is called {connection}"))
}
