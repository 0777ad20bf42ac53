//! Service connections: reading and changing them.

mod many;
mod query;
mod scan;

use std::borrow::Cow;

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::entra::PROPAGATION;
use azconnect_http::{Call, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

pub use self::many::Deletion;
pub use self::query::{ActionFilter, EndpointQuery};
pub use self::scan::EndpointScan;
use crate::document::{Draft, Endpoint, EndpointChange, EndpointId, Moment, differences, named};
use crate::name::ProjectRef;
use crate::organization::Organization;

/// How many bytes of a list of connections are read at most: 10,000 connections take about 20 MB.
const LIST_BYTES: usize = 32 * 1024 * 1024;

/// How much two dates of one change may differ.
const ROUNDING: time::Duration = time::Duration::milliseconds(5);

/// The service connections seen from one project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub(crate) organization: Organization,
    pub(crate) project: ProjectRef,
    /// How long a new secret may be refused only because not every replica knows it.
    pub(crate) propagation: Duration,
}

impl Organization {
    /// The service connections seen from a project.
    pub fn endpoints(&self, project: impl Into<ProjectRef>) -> Endpoints {
        Endpoints::new(self.clone(), project.into())
    }
}

impl Endpoints {
    pub(crate) fn new(organization: Organization, project: ProjectRef) -> Self {
        Self { organization, project, propagation: PROPAGATION }
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
    /// [`NotFound`](ErrorKind::NotFound) also where the service answers 200 with `null`, as it does for a connection of
    /// another project.
    pub async fn get(&self, id: EndpointId) -> Result<Endpoint, Error> {
        let url = self.organization.url(&self.path(&[&id.to_string()]), &[])?;
        let answer = self.organization.send(Call::get("devops.endpoint.get", url)).await?;
        Endpoint::from_json(answer.body()).map_err(|error| located(error, "devops.endpoint.get", &answer))
    }

    /// The connections that a query selects. Idempotent, without effect. The service has no pages here.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the project is missing; [`Unexpected`](ErrorKind::Unexpected) for a record
    /// without an id, over which [`Endpoints::scan`] passes.
    pub async fn list(&self, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        self.scan(query).await?.collect()
    }

    /// The connections of these names; a name that is missing is no error. Idempotent, without effect.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name with a comma, which the service cannot be asked for.
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

    /// Changes a connection that was read before, and returns it as it is afterwards.
    ///
    /// The connection is read again just before it is written: if anything but its secret differs from `before`, nothing
    /// is written. Afterwards it is read once more and compared with what was written. The service offers no condition on
    /// the write itself, so a change in the moment between reading and writing is not seen.
    ///
    /// Idempotent. Follows Microsoft's *Update Service Endpoint*; sends the whole document, and no masked secret.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with effect [`None`](Effect::None) if somebody changed it since `before`; with
    /// effect [`Unknown`](Effect::Unknown) if it is afterwards not what was written.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped, the change may have been made or not.
    pub async fn update(&self, before: &Endpoint, change: &EndpointChange<'_>) -> Result<Endpoint, Error> {
        let current = self.unchanged_since(before).await?;
        let draft = change.draft(&current).map_err(|error| error.in_operation("devops.endpoint.update"))?;
        let answer = self.write(&draft, current.id()).await?;
        // The write was accepted: a reading that fails now is no proof that nothing changed.
        let after = self.get(current.id()).await.map_err(|error| error.with_effect(Effect::Unknown))?;
        // A secret is never shown: that somebody has put another one there shows in the time of the last change alone.
        let written = Endpoint::from_json(answer.body()).ok();
        if written.is_some_and(|written| changed_between(&current, &written, &after)) {
            return Err(conflict(
                "somebody changed the connection just after it was written",
                &["modificationDate".to_owned()],
            )
            .with_advice("find out who changes the connection, and write it again"));
        }
        let wrong = differences(&draft.document, after.document(), Moment::AfterWriting);
        if wrong.is_empty() {
            return Ok(after);
        }
        Err(conflict("the connection is not what was written", &wrong).with_advice(
            "somebody may have changed it at the same moment, or the service did not take a value: look at the connection",
        ))
    }

    /// Reads a connection again, and refuses if anything but its secret differs from `before`.
    pub(crate) async fn unchanged_since(&self, before: &Endpoint) -> Result<Endpoint, Error> {
        let current = self.get(before.id()).await.map_err(|error| error.with_effect(Effect::None))?;
        let changed = differences(before.document(), current.document(), Moment::BeforeWriting);
        if changed.is_empty() {
            return Ok(current);
        }
        Err(conflict("somebody changed the connection since it was read", &changed)
            .with_effect(Effect::None)
            .with_advice("read the connection again and decide again; nothing was written"))
    }

    /// Writes a whole document over the connection's.
    async fn write(&self, draft: &Draft<'_>, id: EndpointId) -> Result<Response, Error> {
        let url = self.write_url(Some(id))?;
        self.organization.send(Call::put("devops.endpoint.update", url).with_json(draft)?).await
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

fn conflict(message: &str, paths: &[String]) -> Error {
    Error::new(ErrorKind::Conflict, format!("{message}: {}", named(paths))).in_operation("devops.endpoint.update")
}

/// Whether a connection was changed once more between the answer to a write and the reading after it. Only a date that the
/// answer has set anew says so: where the service answers with the former one, nothing is known.
fn changed_between(before: &Endpoint, written: &Endpoint, after: &Endpoint) -> bool {
    let at = |endpoint: &Endpoint| OffsetDateTime::parse(endpoint.modification_date()?, &Rfc3339).ok();
    let is_new = written.modification_date() != before.modification_date();
    // The two may be rounded differently.
    is_new && at(written).zip(at(after)).is_some_and(|(written, after)| after - written > ROUNDING)
}
