//! The port that reads connections.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_devops::{
    Choice, ConnectionAddress, Endpoint, EndpointQuery, Execution, Picker, ProjectAddress, ProjectRef,
    ServiceConnections,
};

use super::{DevOpsCaller, DevOpsStep};

#[async_trait]
impl ServiceConnections for DevOpsCaller {
    async fn list(&self, project: &ProjectAddress, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        self.read(DevOpsStep::Read, |world| {
            Ok(world.seen_from(project)?.into_iter().filter(|endpoint| query.selects(endpoint)).collect())
        })
    }

    async fn read(&self, connection: &ConnectionAddress) -> Result<Endpoint, Error> {
        self.read(DevOpsStep::Read, |world| world.see(connection))
    }

    async fn find(&self, project: &ProjectAddress, name: &str) -> Result<Option<Endpoint>, Error> {
        self.read(DevOpsStep::Read, |world| {
            let mut seen = world.seen_from(project)?.into_iter();
            Ok(seen.find(|endpoint| endpoint.name().is_some_and(|own| own.eq_ignore_ascii_case(name))))
        })
    }

    async fn choices(&self, project: &ProjectAddress) -> Result<Picker, Error> {
        self.read(DevOpsStep::Read, |world| {
            let permission = self.report(world, project)?;
            permission.require()?;
            let own = ProjectRef::Id(permission.project.id);
            let choices = world.seen_from(project)?.iter().map(|endpoint| Choice::of(endpoint, &own)).collect();
            Ok(Picker::new(permission, choices))
        })
    }

    async fn executions(&self, connection: &ConnectionAddress, limit: usize) -> Result<Vec<Execution>, Error> {
        self.read(DevOpsStep::Read, |world| {
            let (held, _) = world.open(connection)?;
            Ok(held.executions.iter().take(limit).cloned().collect())
        })
    }
}
