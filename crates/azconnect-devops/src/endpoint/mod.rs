//! Service connections: reading them, and the handle through which they are changed.

mod doubt;
mod many;
mod query;
mod scan;
mod stored;
mod update;

use std::borrow::Cow;

use std::time::Duration;

use azconnect_core::Error;
use azconnect_credential::entra::PROPAGATION;
use azconnect_http::{Call, Response};
use url::Url;

pub use self::many::Deletion;
pub use self::query::{ActionFilter, EndpointQuery};
pub use self::scan::EndpointScan;
pub use self::stored::{StoredSecret, UpdatedEndpoint};
use crate::background::ReadyPolicy;
use crate::document::{Endpoint, EndpointId};
use crate::name::ProjectRef;
use crate::organization::Organization;

/// How many bytes of a list of connections are read at most: 10,000 connections take about 20 MB.
const LIST_BYTES: usize = 32 * 1024 * 1024;

/// The service connections seen from one project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub(crate) organization: Organization,
    pub(crate) project: ProjectRef,
    /// How long a new secret may be refused only because not every replica knows it.
    pub(crate) propagation: Duration,
    /// How long what the service does in the background is waited for.
    pub(crate) ready: ReadyPolicy,
}

impl Organization {
    /// The service connections seen from a project.
    pub fn endpoints(&self, project: impl Into<ProjectRef>) -> Endpoints {
        Endpoints::new(self.clone(), project.into())
    }
}

impl Endpoints {
    pub(crate) fn new(organization: Organization, project: ProjectRef) -> Self {
        Self { organization, project, propagation: PROPAGATION, ready: ReadyPolicy::default() }
    }

    /// The organization that the connections belong to.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// The project from which they are seen.
    pub fn project(&self) -> &ProjectRef {
        &self.project
    }

    /// One connection, whole but for its secrets, which the service masks. Idempotent, without effect.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also where the service answers 200 with `null`, as it does for a connection of
    /// another project.
    pub async fn get(&self, id: EndpointId) -> Result<Endpoint, Error> {
        let url = self.organization.url(&self.path(&[&id.to_string()]), &[])?;
        let answer = self.organization.send(Call::get("devops.endpoint.get", url)).await?;
        Endpoint::from_json(answer.body()).map_err(|error| located(error, "devops.endpoint.get", &answer))
    }

    /// The connections that a query selects. Idempotent, without effect. The service has no pages here.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if the project is missing; [`Unexpected`](azconnect_core::ErrorKind::Unexpected) for a record
    /// without an id, over which [`Endpoints::scan`] passes.
    pub async fn list(&self, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        self.scan(query).await?.collect()
    }

    /// The connections of these names; a name that is missing is no error. Idempotent, without effect.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name with a comma, which the service cannot be asked for.
    pub async fn by_names(&self, names: &[&str]) -> Result<Vec<Endpoint>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        if names.iter().any(|name| name.contains(',')) {
            return Err(Error::invalid("connection_name", "holds a comma, by which the service separates names")
                .with_advice("list the connections and choose by name"));
        }
        self.read_list("devops.endpoint.by_names", &[("endpointNames", names.join(","))]).await?.collect()
    }

    /// The connections that a query selects, read from the answer one by one: in a list of 10,000 only the one in hand
    /// takes memory beside the answer itself. An odd record is an error of its own, and the next one follows.
    ///
    /// # Errors
    /// As [`Endpoints::list`].
    pub async fn scan(&self, query: &EndpointQuery) -> Result<EndpointScan, Error> {
        self.read_list("devops.endpoint.list", &query.parameters()).await
    }

    async fn read_list(&self, operation: &'static str, parameters: &[(&str, String)]) -> Result<EndpointScan, Error> {
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let url = self.organization.url(&self.path(&[]), &parameters)?;
        let call = Call::get(operation, url).with_answer_limit(LIST_BYTES);
        let answer = self.organization.send(call).await?;
        EndpointScan::new(&answer).map_err(|error| located(error, operation, &answer))
    }

    /// Where connections are written: on the collection, and on servers before 2020 through the project.
    fn write_url(&self, id: Option<EndpointId>) -> Result<Url, Error> {
        let project = self.organization.versions.project_writes.then(|| self.project.as_str());
        let id = id.map(|id| id.to_string());
        let segments: Vec<Cow<'_, str>> = project
            .into_iter()
            .chain(["_apis".into(), "serviceendpoint".into(), "endpoints".into()])
            .chain(id.map(Cow::Owned))
            .collect();
        self.organization.url(&segments, &[])
    }

    /// The segments of an address of the project's connections.
    fn path<'a>(&'a self, tail: &[&'a str]) -> Vec<Cow<'a, str>> {
        let head = [self.project.as_str(), "_apis".into(), "serviceendpoint".into(), "endpoints".into()];
        head.into_iter().chain(tail.iter().map(|segment| (*segment).into())).collect()
    }
}

fn located(error: Error, operation: &'static str, answer: &Response) -> Error {
    let error = error.in_operation(operation).with_http_status(answer.status().as_u16());
    match azconnect_http::request_id(answer) {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}
