//! The port that shares connections and grants them to pipelines.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_devops::{ConnectionAddress, PipelineGrants, ProjectRef, ServiceConnectionSharing};

use super::world::{project_of, reference};
use super::{DevOpsCaller, DevOpsStep};

impl DevOpsCaller {
    fn grant(
        &self,
        connection: &ConnectionAddress,
        change: impl FnOnce(&mut PipelineGrants),
    ) -> Result<PipelineGrants, Error> {
        self.write(DevOpsStep::Share, |world| {
            let (held, project) = world.open(connection)?;
            self.require_administrator()?;
            let grants = held.grants.entry(project).or_default();
            change(grants);
            Ok(grants.clone())
        })
    }
}

#[async_trait]
impl ServiceConnectionSharing for DevOpsCaller {
    async fn share(&self, connection: &ConnectionAddress, with: &ProjectRef, name: &str) -> Result<(), Error> {
        let now = self.service.clock.now();
        self.write(DevOpsStep::Share, |world| {
            world.see(connection)?;
            let project = world.project_of(&connection.project.organization, with)?.clone();
            self.require_administrator()?;
            world.require_free(project.id, name, Some(connection.id))?;
            let (held, _) = world.open(connection)?;
            let added = reference(&project, name);
            let mut references = held.references();
            // Sharing with the same project again gives the connection another name there.
            references.retain(|known| project_of(known) != project_of(&added));
            references.push(added);
            held.set_references(references);
            world.touch(connection.id, now);
            Ok(())
        })
    }

    async fn unshare(&self, connection: &ConnectionAddress, from: &ProjectRef) -> Result<(), Error> {
        let now = self.service.clock.now();
        self.write(DevOpsStep::Share, |world| {
            world.see(connection)?;
            let project = world.project_of(&connection.project.organization, from)?.id.to_string();
            self.require_administrator()?;
            let (held, _) = world.open(connection)?;
            let mut references = held.references();
            references.retain(|known| project_of(known) != Some(&*project));
            let last = references.is_empty();
            held.set_references(references);
            world.touch(connection.id, now);
            // As in the service, a connection that no project sees any more is gone.
            if last {
                world.connections.retain(|held| held.id != connection.id);
            }
            Ok(())
        })
    }

    async fn pipeline_grants(&self, connection: &ConnectionAddress) -> Result<PipelineGrants, Error> {
        self.read(DevOpsStep::Share, |world| {
            let (held, project) = world.open(connection)?;
            Ok(held.grants.get(&project).cloned().unwrap_or_default())
        })
    }

    async fn grant_all_pipelines(
        &self,
        connection: &ConnectionAddress,
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        self.grant(connection, |grants| grants.all = authorized)
    }

    async fn grant_pipelines(
        &self,
        connection: &ConnectionAddress,
        pipelines: &[u64],
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        self.grant(connection, |grants| {
            grants.pipelines.retain(|known| !pipelines.contains(known));
            if authorized {
                grants.pipelines.extend(pipelines);
                grants.pipelines.sort_unstable();
            }
        })
    }
}
