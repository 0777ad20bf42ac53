//! The client as the implementation of every port of use: each call finds the organization and does the work there.

use async_trait::async_trait;
use azconnect_core::{Effect, Error};
use azconnect_credential::{Assessment, Candidate, CheckReport, CheckStatus};
use time::OffsetDateTime;

use crate::background::Progress;
use crate::client::DevOpsClient;
use crate::create::NewConnection;
use crate::dialect::says_no_such_connection;
use crate::directory::{OrganizationSearch, OrganizationTenant, Project, ProjectState};
use crate::document::{Endpoint, EndpointChange};
use crate::eligibility::{ConversionRules, conversion_checks};
use crate::endpoint::{Deletion, EndpointQuery, Endpoints, UpdatedEndpoint};
use crate::grant::PipelineGrants;
use crate::history::Execution;
use crate::name::{OrganizationName, ProjectRef};
use crate::organization::Organization;
use crate::permission::{ConnectionPermission, PermissionReport};
use crate::picker::Picker;
use crate::port::{
    ConnectionAddress, ConnectionDirectory, FederationConverter, ProjectAddress, ServiceConnectionSharing,
    ServiceConnectionVerifier, ServiceConnectionWriter, ServiceConnections,
};

impl DevOpsClient {
    fn endpoints_of(&self, project: &ProjectAddress) -> Result<Endpoints, Error> {
        Ok(self.organization(&project.organization)?.endpoints(project.project.clone()))
    }

    /// The organization of a connection, and the connection as it is now.
    async fn locate(&self, connection: &ConnectionAddress) -> Result<(Organization, Endpoint), Error> {
        let endpoints = self.endpoints_of(&connection.project)?;
        let endpoint = endpoints.get(connection.id).await?;
        Ok((endpoints.organization().clone(), endpoint))
    }
}

/// The error of a reading before a write: nothing has been written yet, so nothing was changed.
fn unsent(error: Error) -> Error {
    error.with_effect(Effect::None)
}

#[async_trait]
impl ConnectionDirectory for DevOpsClient {
    async fn organizations(&self, known: &[OrganizationName]) -> Result<OrganizationSearch, Error> {
        Self::organizations(self, &[], known).await
    }

    async fn tenant_of(&self, organization: &OrganizationName) -> Result<OrganizationTenant, Error> {
        Self::tenant_of(self, organization).await
    }

    async fn projects(&self, organization: &OrganizationName) -> Result<Vec<Project>, Error> {
        self.organization(organization)?.projects(ProjectState::WellFormed).await
    }

    async fn permission(&self, project: &ProjectAddress) -> Result<PermissionReport, Error> {
        self.organization(&project.organization)?.permission(&project.project).await
    }

    async fn connection_permission(&self, connection: &ConnectionAddress) -> Result<ConnectionPermission, Error> {
        // The permission service answers for any token, also for one of a connection that does not exist.
        let (organization, endpoint) = self.locate(connection).await?;
        let project = organization.project(&connection.project.project).await?;
        organization.connection_permission(&project, endpoint.id()).await
    }
}

#[async_trait]
impl ServiceConnections for DevOpsClient {
    async fn list(&self, project: &ProjectAddress, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        self.endpoints_of(project)?.list(query).await
    }

    async fn read(&self, connection: &ConnectionAddress) -> Result<Endpoint, Error> {
        self.endpoints_of(&connection.project)?.get(connection.id).await
    }

    async fn find(&self, project: &ProjectAddress, name: &str) -> Result<Option<Endpoint>, Error> {
        Ok(self.endpoints_of(project)?.by_names(&[name]).await?.into_iter().next())
    }

    async fn choices(&self, project: &ProjectAddress) -> Result<Picker, Error> {
        self.organization(&project.organization)?.picker(&project.project).await
    }

    async fn executions(&self, connection: &ConnectionAddress, limit: usize) -> Result<Vec<Execution>, Error> {
        self.endpoints_of(&connection.project)?.all_executions(connection.id, limit).await
    }
}

#[async_trait]
impl ServiceConnectionWriter for DevOpsClient {
    async fn create(&self, project: &ProjectAddress, connection: &NewConnection<'_>) -> Result<Endpoint, Error> {
        let organization = self.organization(&project.organization)?;
        // Sent to the organization, the document alone would decide where the connection goes.
        if organization.project(&project.project).await.map_err(unsent)?.id != connection.project() {
            return Err(Error::invalid("project", "is not the one for which the connection was built")
                .with_advice("build the connection for this project"));
        }
        organization.create_connection(connection).await
    }

    async fn update(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        change: &EndpointChange<'_>,
    ) -> Result<UpdatedEndpoint, Error> {
        self.endpoints_of(project)?.update(before, change).await
    }

    async fn delete(&self, connection: &ConnectionAddress, how: Deletion) -> Result<(), Error> {
        let (organization, endpoint) = match self.locate(connection).await {
            Ok(located) => located,
            Err(error) if says_no_such_connection(&error) => return Ok(()),
            Err(error) => return Err(unsent(error)),
        };
        let mut projects: Vec<_> = endpoint.projects().filter_map(|project| project.id?.parse().ok()).collect();
        if projects.is_empty() {
            // The service hides the projects from callers of low privilege.
            projects.push(organization.project(&connection.project.project).await.map_err(unsent)?.id);
        }
        organization.delete_connection(connection.id, &projects, how).await
    }
}

#[async_trait]
impl ServiceConnectionVerifier for DevOpsClient {
    async fn verify_stored(&self, connection: &ConnectionAddress, minted_at: Option<OffsetDateTime>) -> Assessment {
        match self.locate(connection).await {
            Ok((organization, endpoint)) => {
                organization.endpoints(connection.project.project.clone()).verify_stored(&endpoint, minted_at).await
            }
            Err(error) => Assessment::inconclusive(&error),
        }
    }

    async fn verify_candidate(&self, connection: &ConnectionAddress, candidate: &Candidate<'_>) -> Assessment {
        match self.locate(connection).await {
            Ok((organization, endpoint)) => {
                organization.endpoints(connection.project.project.clone()).verify_candidate(&endpoint, candidate).await
            }
            Err(error) => Assessment::inconclusive(&error),
        }
    }
}

#[async_trait]
impl ServiceConnectionSharing for DevOpsClient {
    async fn share(&self, connection: &ConnectionAddress, with: &ProjectRef, name: &str) -> Result<(), Error> {
        let (organization, before) = self.locate(connection).await.map_err(unsent)?;
        let project = organization.project(with).await.map_err(unsent)?;
        let with = [(&project, name)];
        let change = organization.share(connection.id, &with);
        self.endpoints_of(&connection.project)?.keeping_secret(&before, change).await
    }

    async fn unshare(&self, connection: &ConnectionAddress, from: &ProjectRef) -> Result<(), Error> {
        let endpoints = self.endpoints_of(&connection.project)?;
        let organization = endpoints.organization();
        let from = [organization.project(from).await.map_err(unsent)?.id];
        let change = organization.unshare(connection.id, &from);
        match endpoints.get(connection.id).await {
            Ok(before) => endpoints.keeping_secret(&before, change).await,
            // This project sees it no more, and others may: the service knows.
            Err(error) if says_no_such_connection(&error) => change.await,
            Err(error) => Err(unsent(error)),
        }
    }

    async fn pipeline_grants(&self, connection: &ConnectionAddress) -> Result<PipelineGrants, Error> {
        self.endpoints_of(&connection.project)?.pipeline_grants(connection.id).await
    }

    async fn grant_all_pipelines(
        &self,
        connection: &ConnectionAddress,
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        self.endpoints_of(&connection.project)?.grant_all_pipelines(connection.id, authorized).await
    }

    async fn grant_pipelines(
        &self,
        connection: &ConnectionAddress,
        pipelines: &[u64],
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        self.endpoints_of(&connection.project)?.grant_pipelines(connection.id, pipelines, authorized).await
    }
}

#[async_trait]
impl FederationConverter for DevOpsClient {
    async fn eligibility(&self, connection: &ConnectionAddress, rules: ConversionRules) -> Result<CheckReport, Error> {
        let (organization, endpoint) = self.locate(connection).await?;
        let mut checks = conversion_checks(&endpoint, &connection.project.project, rules);
        if checks.is_clear() {
            let endpoints = organization.endpoints(connection.project.project.clone());
            let permission = endpoints.secret_permission(connection.id).await;
            checks.extend((permission.status != CheckStatus::Passed).then_some(permission));
        }
        Ok(checks)
    }

    async fn convert(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        rules: ConversionRules,
    ) -> Result<Progress<Endpoint>, Error> {
        self.endpoints_of(project)?.convert(before, rules).await
    }

    async fn revert(&self, project: &ProjectAddress, before: &Endpoint) -> Result<Progress<Endpoint>, Error> {
        self.endpoints_of(project)?.revert(before).await
    }
}
