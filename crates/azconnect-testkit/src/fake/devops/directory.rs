//! The port that says what there is, and what the caller may do with it.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_devops::{
    ConnectionAddress, ConnectionDirectory, ConnectionPermission, DevOpsIdentity, Ground, OrganizationEntry,
    OrganizationName, OrganizationSearch, OrganizationTenant, PermissionReport, Project, ProjectAddress,
};

use super::world::World;
use super::{DevOpsCaller, DevOpsStep};

impl DevOpsCaller {
    pub(super) fn report(&self, world: &World, project: &ProjectAddress) -> Result<PermissionReport, Error> {
        let name = if self.administers { "Ann" } else { "Bob" };
        let caller = DevOpsIdentity::new(name.to_lowercase()).with_display_name(name);
        let grounds =
            if self.administers { vec![Ground::EndpointAdministrator, Ground::Permission] } else { Vec::new() };
        Ok(PermissionReport::new(caller, world.project(project)?.clone()).with_grounds(grounds))
    }
}

#[async_trait]
impl ConnectionDirectory for DevOpsCaller {
    async fn organizations(&self, known: &[OrganizationName]) -> Result<OrganizationSearch, Error> {
        self.read(DevOpsStep::Directory, |world| {
            let mut search = OrganizationSearch::default();
            for name in known {
                match world.organization(name) {
                    Ok(found) => search.add(found.tenant, OrganizationEntry::new(found.name.clone())),
                    Err(error) => search.add_missing(name, &error),
                }
            }
            Ok(search)
        })
    }

    async fn tenant_of(&self, organization: &OrganizationName) -> Result<OrganizationTenant, Error> {
        self.read(DevOpsStep::Directory, |world| Ok(world.organization(organization)?.tenant))
    }

    async fn projects(&self, organization: &OrganizationName) -> Result<Vec<Project>, Error> {
        self.read(DevOpsStep::Directory, |world| Ok(world.organization(organization)?.projects.clone()))
    }

    async fn permission(&self, project: &ProjectAddress) -> Result<PermissionReport, Error> {
        self.read(DevOpsStep::Directory, |world| self.report(world, project))
    }

    async fn connection_permission(&self, connection: &ConnectionAddress) -> Result<ConnectionPermission, Error> {
        self.read(DevOpsStep::Directory, |world| {
            world.see(connection)?;
            let mut permission = ConnectionPermission::default();
            (permission.view, permission.r#use) = (true, true);
            (permission.administer, permission.change_secret) = (self.administers, self.administers);
            Ok(permission)
        })
    }
}
