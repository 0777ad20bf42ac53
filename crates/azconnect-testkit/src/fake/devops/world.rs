//! What the service holds.

use std::collections::BTreeMap;

use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_devops::{
    ConnectionAddress, Endpoint, EndpointId, Execution, OrganizationName, OrganizationTenant, PipelineGrants, Project,
    ProjectAddress, ProjectId, ProjectRef,
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::refused;

#[derive(Default)]
pub(super) struct World {
    pub(super) organizations: Vec<Organization>,
    pub(super) connections: Vec<Held>,
    /// The secrets that sign-ins accept.
    pub(super) working: Vec<Secret>,
    /// Counts ids and changes, so that no two are alike while the clock stands still.
    counter: u32,
}

pub(super) struct Organization {
    pub(super) name: OrganizationName,
    pub(super) tenant: OrganizationTenant,
    pub(super) projects: Vec<Project>,
}

/// A connection with what no document shows.
pub(super) struct Held {
    pub(super) id: EndpointId,
    organization: OrganizationName,
    /// The document, its secret masked.
    pub(super) document: Map<String, Value>,
    pub(super) secret: Option<Secret>,
    pub(super) grants: BTreeMap<ProjectId, PipelineGrants>,
    pub(super) executions: Vec<Execution>,
}

impl Held {
    pub(super) fn add_executions(&mut self, count: u32) {
        for _ in 0..count {
            let mut execution = Execution::default();
            execution.id = self.executions.first().and_then(|latest| latest.id).unwrap_or_default().checked_add(1);
            execution.plan_type = Some("Build".to_owned());
            execution.result = Some("succeeded".to_owned());
            self.executions.insert(0, execution);
        }
    }

    /// The projects that see it, the owner's first.
    pub(super) fn references(&self) -> Vec<Value> {
        let references = self.document.get("serviceEndpointProjectReferences").and_then(Value::as_array);
        references.cloned().unwrap_or_default()
    }

    pub(super) fn set_references(&mut self, references: Vec<Value>) {
        self.document.insert("isShared".to_owned(), (references.len() > 1).into());
        self.document.insert("serviceEndpointProjectReferences".to_owned(), references.into());
    }

    /// Its name in a project that sees it.
    fn name_in(&self, project: ProjectId) -> Option<String> {
        let project = project.to_string();
        let own = self.references().into_iter().find(|reference| project_of(reference) == Some(&*project))?;
        Some(own.get("name").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn seen_from(&self, project: ProjectId) -> Option<Endpoint> {
        let mut document = self.document.clone();
        document.insert("name".to_owned(), self.name_in(project)?.into());
        Endpoint::from_value(Value::Object(document)).ok()
    }
}

/// The id of the project that an entry of a connection's document names.
pub(super) fn project_of(reference: &Value) -> Option<&str> {
    reference.pointer("/projectReference/id")?.as_str()
}

/// How a project is named inside a connection's document.
pub(super) fn reference(project: &Project, name: &str) -> Value {
    json!({"projectReference": {"id": project.id.to_string(), "name": project.name}, "name": name})
}

impl World {
    pub(super) fn next_id(&mut self) -> Uuid {
        self.counter = self.counter.saturating_add(1);
        Uuid::from_u128(0xfa4e_0000_0000_4000_8000_0000_0000_0000 + u128::from(self.counter))
    }

    pub(super) fn organization(&self, name: &OrganizationName) -> Result<&Organization, Error> {
        let found = self.organizations.iter().find(|own| own.name.as_str().eq_ignore_ascii_case(name.as_str()));
        found.ok_or_else(|| {
            refused(ErrorKind::NotFound, format!("there is no organization {name}"))
                .with_advice("check the organization's name")
        })
    }

    pub(super) fn project(&self, address: &ProjectAddress) -> Result<&Project, Error> {
        self.project_of(&address.organization, &address.project)
    }

    pub(super) fn project_of(&self, organization: &OrganizationName, wanted: &ProjectRef) -> Result<&Project, Error> {
        let mut projects = self.organization(organization)?.projects.iter();
        let found = projects.find(|project| wanted.means(Some(&project.id.to_string()), Some(&project.name)));
        found.ok_or_else(|| {
            refused(ErrorKind::NotFound, format!("there is no project {wanted}"))
                .with_advice("check the project's name")
        })
    }

    pub(super) fn held(&mut self, id: EndpointId) -> Option<&mut Held> {
        self.connections.iter_mut().find(|held| held.id == id)
    }

    /// A connection that the addressed project sees, as it sees it.
    pub(super) fn see(&self, address: &ConnectionAddress) -> Result<Endpoint, Error> {
        let project = self.project(&address.project)?.id;
        let held = self.connections.iter().find(|held| held.id == address.id);
        held.and_then(|held| held.seen_from(project)).ok_or_else(missing)
    }

    /// As [`see`](Self::see), to change the connection.
    pub(super) fn open(&mut self, address: &ConnectionAddress) -> Result<(&mut Held, ProjectId), Error> {
        self.see(address)?;
        let project = self.project(&address.project)?.id;
        Ok((self.held(address.id).ok_or_else(missing)?, project))
    }

    /// All connections that a project sees.
    pub(super) fn seen_from(&self, project: &ProjectAddress) -> Result<Vec<Endpoint>, Error> {
        let project = self.project(project)?.id;
        Ok(self.connections.iter().filter_map(|held| held.seen_from(project)).collect())
    }

    /// Refuses a name that another connection has in a project.
    pub(super) fn require_free(&self, project: ProjectId, name: &str, own: Option<EndpointId>) -> Result<(), Error> {
        let mut others = self.connections.iter().filter(|held| Some(held.id) != own);
        if others.any(|held| held.name_in(project).is_some_and(|taken| taken.eq_ignore_ascii_case(name))) {
            return Err(refused(ErrorKind::Conflict, "the project has a connection of this name")
                .with_service_code("DuplicateServiceConnectionException")
                .with_advice("choose another name"));
        }
        Ok(())
    }

    /// Adds a connection to a project that owns it from then on.
    pub(super) fn add(
        &mut self,
        organization: &OrganizationName,
        owner: &Project,
        (mut document, secret): (Map<String, Value>, Option<Secret>),
        now: OffsetDateTime,
    ) -> EndpointId {
        let id = EndpointId::from(self.next_id());
        document.insert("id".to_owned(), id.to_string().into());
        for (key, value) in [("owner", json!("library")), ("isReady", json!(true))] {
            document.entry(key).or_insert(value);
        }
        let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (grants, executions) = (BTreeMap::new(), Vec::new());
        let mut held = Held { id, organization: organization.clone(), document, secret, grants, executions };
        held.set_references(vec![reference(owner, &name)]);
        self.connections.push(held);
        self.touch(id, now);
        id
    }

    /// Notes that a connection was changed. No two changes have the same date.
    pub(super) fn touch(&mut self, id: EndpointId, now: OffsetDateTime) {
        self.counter = self.counter.saturating_add(1);
        let at = now + time::Duration::microseconds(i64::from(self.counter));
        if let Some(held) = self.held(id) {
            held.document.insert("modificationDate".to_owned(), at.format(&Rfc3339).unwrap_or_default().into());
        }
    }

    /// The organization of a connection.
    pub(super) fn organization_of(&mut self, id: EndpointId) -> Option<OrganizationName> {
        self.held(id).map(|held| held.organization.clone())
    }
}

fn missing() -> Error {
    refused(ErrorKind::NotFound, "the service connection does not exist, or may not be seen")
        .with_advice("check the connection's id and its project")
}
