//! Changing several connections at once, sharing them, and deleting them.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Call, Idempotency, Response};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::stored::{Former, UpdatedEndpoint};
use super::{Endpoints, LIST_BYTES};
use crate::dialect::says_no_such_connection;
use crate::directory::Project;
use crate::document::{Draft, Endpoint, EndpointChange, EndpointId, Moment, differences, named};
use crate::name::ProjectId;
use crate::organization::Organization;

/// How to delete a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Deletion {
    /// The connection alone.
    #[default]
    ConnectionOnly,
    /// The connection, and the application and role assignment that Azure DevOps created for it (`deep=true`).
    Deep,
}

impl Endpoints {
    /// Changes several connections in one request, and returns them as they are afterwards.
    ///
    /// As [`Endpoints::update`] for each: all are read again first, and nothing is written if one of them was changed by
    /// somebody. Idempotent. Follows Microsoft's *Update Service Endpoints*.
    ///
    /// # Errors
    /// As [`Endpoints::update`]. With effect [`Unknown`](Effect::Unknown) some may be changed and some not.
    ///
    /// # Cancel safety
    /// Not cancel safe.
    pub async fn update_all(
        &self,
        changes: &[(&Endpoint, &EndpointChange<'_>)],
    ) -> Result<Vec<UpdatedEndpoint>, Error> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut currents = Vec::with_capacity(changes.len());
        for (before, _) in changes {
            currents.push(self.unchanged_since(before).await?);
        }
        let mut drafts: Vec<Draft<'_>> = Vec::with_capacity(changes.len());
        let mut formers: Vec<Former> = Vec::with_capacity(changes.len());
        for (current, (_, change)) in currents.iter().zip(changes) {
            drafts.push(change.draft(current)?);
            formers.push(self.former_secret(current, change).await);
        }
        let url = self.write_url(None)?;
        // The answer holds every connection, and is not read: but a limit that it meets would be an error.
        let call = Call::put("devops.endpoint.update_all", url).with_json(&drafts)?.with_answer_limit(LIST_BYTES);
        if let Err(error) = self.organization.send(call).await {
            let before: Vec<&Endpoint> = currents.iter().collect();
            return Err(self.doubted(error, &before).await);
        }
        // One answer for all proves nothing about each, so every connection is read back.
        let mut after = Vec::with_capacity(drafts.len());
        for ((current, draft), former) in currents.iter().zip(&drafts).zip(formers) {
            let id = current.id();
            let endpoint = self.get(id).await.map_err(|error| error.with_effect(Effect::Unknown))?;
            let wrong = differences(&draft.document, endpoint.document(), Moment::AfterWriting);
            if !wrong.is_empty() {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("connection {id} is not what was written: {}", named(&wrong)),
                )
                .in_operation("devops.endpoint.update_all"));
            }
            after.push(self.with_stored_secret(former, endpoint).await?);
        }
        Ok(after)
    }
}

impl Organization {
    /// Lets more projects see a connection, under a name in each. Idempotent. Follows Microsoft's *Share Service Endpoint*.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without Administer on the connection, or Create in a project.
    pub async fn share(&self, id: EndpointId, projects: &[(&Project, &str)]) -> Result<(), Error> {
        let references: Vec<Value> = projects
            .iter()
            .map(|(project, name)| json!({"projectReference": {"id": project.id.to_string(), "name": project.name}, "name": name}))
            .collect();
        let url = self.url(&["_apis", "serviceendpoint", "endpoints", &id.to_string()], &[])?;
        let call =
            Call::new("devops.endpoint.share", Method::PATCH, url, Idempotency::Idempotent).with_json(&references)?;
        self.send(call).await.map(drop)
    }

    /// Takes a connection out of the sight of projects; it is deleted when none is left. Idempotent.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) without any project.
    pub async fn unshare(&self, id: EndpointId, projects: &[ProjectId]) -> Result<(), Error> {
        self.remove("devops.endpoint.unshare", id, (projects, Deletion::ConnectionOnly)).await.map(drop)
    }

    /// Deletes a connection from the projects that see it. Idempotent: one that is gone already is a success, where the
    /// service itself says so. A project or organization that is not there, and a 404 of something else on the way, are errors.
    ///
    /// The service deletes in the background: see [`Endpoints::wait_until_deleted`]. Follows Microsoft's *Delete Service
    /// Endpoint*. A connection with workload identity federation stays while federated credentials at its application name
    /// it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) without any project.
    pub async fn delete_connection(&self, id: EndpointId, projects: &[ProjectId], how: Deletion) -> Result<(), Error> {
        match self.remove("devops.endpoint.delete", id, (projects, how)).await {
            Err(error) if says_no_such_connection(&error) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    async fn remove(
        &self,
        operation: &'static str,
        id: EndpointId,
        (projects, how): (&[ProjectId], Deletion),
    ) -> Result<Response, Error> {
        if projects.is_empty() {
            return Err(Error::invalid("projects", "are none")
                .with_advice("name the projects that shall no longer see the connection"));
        }
        let projects: Vec<String> = projects.iter().map(ToString::to_string).collect();
        let projects = projects.join(",");
        let mut query = vec![("projectIds", projects.as_str())];
        if how == Deletion::Deep {
            query.push(("deep", "true"));
        }
        let url = self.url(&["_apis", "serviceendpoint", "endpoints", &id.to_string()], &query)?;
        self.send(Call::delete(operation, url)).await
    }
}
