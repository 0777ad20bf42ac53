//! Every public future of the crate can be spawned.

use azconnect_core::KeyId;
use azconnect_credential::Candidate;
use azconnect_devops::{
    ConversionRules, CreatedConnection, Deletion, DevOpsClient, Endpoint, EndpointChange, EndpointQuery, EndpointRight,
    Endpoints, FederatedCredentials, NewConnection, NewToken, Organization, OrganizationName, Project, ProjectRef,
    ProjectState, ReadyPolicy, RegistryCheck,
};
use time::OffsetDateTime;

fn spawnable<F: Future + Send>(_: F) {}

/// What the calls are given.
struct Given<'a> {
    endpoint: &'a Endpoint,
    change: &'a EndpointChange<'a>,
    connection: &'a NewConnection<'a>,
    credentials: &'a dyn FederatedCredentials,
    created: &'a CreatedConnection,
    candidate: &'a Candidate<'a>,
    project: &'a Project,
}

#[expect(dead_code, reason = "compiled, never called")]
fn of_organizations(client: &DevOpsClient, organization: &Organization, name: &OrganizationName, given: &Given<'_>) {
    let (id, project) = (given.endpoint.id(), &ProjectRef::Id(given.project.id));
    spawnable(client.organizations(&[], &[]));
    spawnable(client.tenant_of(name));
    spawnable(organization.caller());
    spawnable(organization.projects(ProjectState::All));
    spawnable(organization.project(project));
    spawnable(organization.permission(project));
    spawnable(organization.connection_permission(given.project, id));
    spawnable(organization.has_right(EndpointRight::Use, &[]));
    spawnable(organization.picker(project));
    spawnable(organization.create_connection(given.connection));
    spawnable(organization.share(id, &[]));
    spawnable(organization.unshare(id, &[]));
    spawnable(organization.delete_connection(id, &[], Deletion::Deep));
    spawnable(organization.endpoint_types(None, None));
}

#[expect(dead_code, reason = "compiled, never called")]
fn of_tokens(organization: &Organization, token: &NewToken, id: KeyId, at: OffsetDateTime) {
    spawnable(organization.create_personal_token(token));
    spawnable(organization.personal_tokens());
    spawnable(organization.extend_personal_token(id, at));
    spawnable(organization.revoke_personal_token(id));
}

#[expect(dead_code, reason = "compiled, never called")]
fn of_connections(endpoints: &Endpoints, check: &RegistryCheck, given: &Given<'_>) {
    let (endpoint, id, query) = (given.endpoint, given.endpoint.id(), &EndpointQuery::new());
    spawnable(endpoints.get(id));
    spawnable(endpoints.list(query));
    spawnable(endpoints.scan(query));
    spawnable(endpoints.by_names(&[]));
    spawnable(endpoints.update(endpoint, given.change));
    spawnable(endpoints.update_all(&[]));
    spawnable(endpoints.wait_until_ready(id, ReadyPolicy::default()));
    spawnable(endpoints.wait_until_deleted(id, ReadyPolicy::default()));
    spawnable(endpoints.convert(endpoint, ConversionRules::new()));
    spawnable(endpoints.revert(endpoint));
    spawnable(endpoints.with_old_issuer());
    spawnable(endpoints.migrate_issuer(endpoint, Some(given.credentials)));
    spawnable(endpoints.create_federated(given.connection, given.credentials));
    spawnable(endpoints.complete_federated(given.created, given.credentials));
    spawnable(endpoints.delete_federated(endpoint, given.credentials, &[]));
    spawnable(endpoints.secret_permission(id));
    spawnable(endpoints.verify_stored(endpoint, None));
    spawnable(endpoints.verify_candidate(endpoint, given.candidate));
    spawnable(endpoints.pipeline_grants(id));
    spawnable(endpoints.grant_all_pipelines(id, true));
    spawnable(endpoints.grant_pipelines(id, &[], true));
    spawnable(endpoints.executions(id, 1, None));
    spawnable(endpoints.all_executions(id, 1));
    spawnable(check.reachable("registry"));
    spawnable(check.verify("registry", "user", given.candidate));
}
