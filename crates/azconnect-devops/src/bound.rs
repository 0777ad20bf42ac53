//! What became of service connections since they were bound to a rotation.

use azconnect_core::Error;
use azconnect_credential::{BindingState, BoundServiceConnection, Check, CheckReport, EndpointId};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, StreamExt as _};

use crate::document::{AuthorizationScheme, Endpoint};
use crate::endpoint::EndpointQuery;
use crate::name::{OrganizationName, ProjectRef};
use crate::permission::Ground;
use crate::port::{ConnectionDirectory, ProjectAddress, ServiceConnections};
use crate::sink::destination_of;

/// The host to which a connection sends its secret, as a binding agrees to it. None for one that takes no secret here, or that
/// hides it.
pub fn secret_destination(endpoint: &Endpoint) -> Option<String> {
    destination_of(endpoint)
}

/// The project in which a service connection was bound.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that Azure DevOps cannot have.
pub fn bound_project(bound: &BoundServiceConnection) -> Result<ProjectAddress, Error> {
    Ok(ProjectAddress::new(OrganizationName::new(&bound.organization)?, ProjectRef::new(&bound.project)?))
}

/// Compares the connections that are bound in one project with what is there now. The states come in the order of `bound`.
/// Idempotent, without effect; no secret is read.
///
/// One list is read for all of them. To somebody who may not administer the project's connections the service hides what they may
/// not see, so that one that is not in it is [`Unreadable`](BindingState::Unreadable). Else the other projects of the organization
/// are looked through, one list each: one that is found there, or may be there, is [`Unshared`](BindingState::Unshared). It counts
/// as gone only if an administrator of the organization, who sees all projects, finds it in none of them.
///
/// # Cancel safety
/// Cancel safe: nothing changes.
pub async fn binding_states(
    connections: &dyn ServiceConnections,
    directory: &dyn ConnectionDirectory,
    project: &ProjectAddress,
    bound: &[&BoundServiceConnection],
) -> Vec<(BindingState, CheckReport)> {
    // A creation that failed is left out of a list unless it is asked for.
    let listed = match connections.list(project, &EndpointQuery::new().with_failed(true).with_details(true)).await {
        Ok(listed) => listed,
        Err(error) => return bound.iter().map(|_| unreadable(project, &error)).collect(),
    };
    let is_listed = |one: &&BoundServiceConnection| listed.iter().any(|found| found.id() == one.id);
    let missing: Vec<EndpointId> = bound.iter().filter(|one| !is_listed(one)).map(|one| one.id).collect();
    let elsewhere = match missing.is_empty() {
        true => Ok(Elsewhere::default()),
        false => Elsewhere::look(connections, directory, project, &missing).await,
    };
    bound
        .iter()
        .map(|one| match (listed.iter().find(|found| found.id() == one.id), &elsewhere) {
            (Some(found), _) => compare(one, found),
            (None, Err(error)) => unreadable(project, error),
            (None, Ok(elsewhere)) => missing_here(one, project, &listed, elsewhere),
        })
        .collect()
}

/// How many lists are read at once.
const PARALLELISM: usize = 4;

/// What the other projects of an organization show of connections that their own project does not show any more.
#[derive(Default)]
struct Elsewhere {
    /// The connections, each with the name of a project that sees it.
    seen: Vec<(EndpointId, String)>,
    /// Why one that was not seen may be there all the same. `None` if it is nowhere.
    doubt: Option<String>,
}

impl Elsewhere {
    /// Looks for connections in all projects but their own. An error says why they may be in their own all the same.
    async fn look(
        connections: &dyn ServiceConnections,
        directory: &dyn ConnectionDirectory,
        project: &ProjectAddress,
        wanted: &[EndpointId],
    ) -> Result<Self, Error> {
        let permission = directory.permission(project).await?;
        permission.require()?;
        let mut found = Self::default();
        if !permission.grounds.contains(&Ground::CollectionAdministrator) {
            found.doubt = Some("projects that cannot be seen from here may use it".to_owned());
        }
        let others = match directory.projects(&project.organization).await {
            Ok(projects) => projects.into_iter().filter(|other| other.id != permission.project.id).collect(),
            Err(error) => {
                found.doubt = Some(format!("the other projects could not be read: {}", error.message()));
                Vec::new()
            }
        };
        let query = EndpointQuery::new().with_failed(true).with_ids(wanted.iter().copied());
        let looks = others.into_iter().map(|other| {
            let (address, query) = (ProjectAddress::new(project.organization.clone(), other.id), &query);
            async move { (connections.list(&address, query).await, other) }
        });
        // Boxed, so that the compiler sees that what borrows the ports is `Send`.
        let looks: Vec<BoxFuture<'_, _>> = looks.map(|look| look.boxed()).collect();
        let mut looks = stream::iter(looks).buffered(PARALLELISM);
        while let Some((listed, other)) = looks.next().await {
            match listed {
                Ok(listed) => found.seen.extend(listed.iter().map(|one| (one.id(), other.name.clone()))),
                Err(error) => found.doubt = Some(format!("{} could not be read: {}", other.name, error.message())),
            }
        }
        Ok(found)
    }

    /// The names of the projects that see a connection.
    fn of(&self, id: EndpointId) -> Vec<String> {
        self.seen.iter().filter(|(seen, _)| *seen == id).map(|(_, project)| project.clone()).collect()
    }
}

fn unreadable(project: &ProjectAddress, error: &Error) -> (BindingState, CheckReport) {
    let cause = format!("whether it is there is not known, since {project} could not be seen: {}", error.message());
    let check = Check::unknown_by("binding-unreadable", "binding", error).with_cause(cause);
    (BindingState::Unreadable, CheckReport::from(vec![check]))
}

/// Compares a connection with what it was when it was bound.
fn compare(bound: &BoundServiceConnection, found: &Endpoint) -> (BindingState, CheckReport) {
    if found.type_name().is_none() || found.authorization().is_none() {
        let check = Check::unknown(
            "binding-unreadable",
            "permission",
            "only the connection's id and name may be seen",
            "ask for the role Administrator on the connection",
        );
        return (BindingState::Unreadable, CheckReport::from(vec![check]));
    }
    // The gravest first: it is the state, and the checks name the others as well.
    let changes: Vec<(BindingState, Check)> =
        [federated(found), redirected(bound, found), disabled(found), renamed(bound, found)]
            .into_iter()
            .flatten()
            .collect();
    let state = changes.first().map_or(BindingState::Fits, |(state, _)| state.clone());
    (state, changes.into_iter().map(|(_, check)| check).collect())
}

fn federated(found: &Endpoint) -> Option<(BindingState, Check)> {
    let is_federated = found.authorization_scheme() == Some(&AuthorizationScheme::WorkloadIdentityFederation);
    is_federated.then(|| {
        let check = Check::failed(
            "binding-federated",
            "scheme",
            "it signs in by workload identity federation now, and holds no secret",
            "unbind it: it needs no secret any more",
        );
        (BindingState::Federated, check)
    })
}

fn redirected(bound: &BoundServiceConnection, found: &Endpoint) -> Option<(BindingState, Check)> {
    let agreed = bound.destination.as_deref()?;
    let to = destination_of(found);
    if to.as_deref().is_some_and(|to| to.eq_ignore_ascii_case(agreed)) {
        return None;
    }
    let shown = to.as_deref().unwrap_or("a host that it does not name");
    let check = Check::failed(
        "binding-destination-changed",
        "destination",
        format!("it would send the secret to {shown}, and {agreed} was agreed"),
        format!("find out who changed it; if {shown} is right, bind the connection again"),
    );
    Some((BindingState::DestinationChanged { to }, check))
}

fn disabled(found: &Endpoint) -> Option<(BindingState, Check)> {
    (found.is_disabled() == Some(true)).then(|| {
        let remedy = "enable the connection, or unbind it";
        (BindingState::Disabled, Check::failed("binding-disabled", "state", "it is disabled", remedy))
    })
}

fn renamed(bound: &BoundServiceConnection, found: &Endpoint) -> Option<(BindingState, Check)> {
    let to = found.name().filter(|name| !bound.name.is_empty() && *name != bound.name)?;
    let check = Check::passed("binding-renamed", "name", format!("it is called {to:?} now, and was {:?}", bound.name))
        .with_remedy("nothing is to be done: its id is the same");
    Some((BindingState::Renamed { to: to.to_owned() }, check))
}

/// What became of one that is not listed to somebody who may administer the project's connections.
fn missing_here(
    bound: &BoundServiceConnection,
    project: &ProjectAddress,
    listed: &[Endpoint],
    elsewhere: &Elsewhere,
) -> (BindingState, CheckReport) {
    let seen_by = elsewhere.of(bound.id);
    let same_name = |found: &&Endpoint| found.name().is_some_and(|name| name.eq_ignore_ascii_case(&bound.name));
    let other = listed.iter().find(same_name).map(Endpoint::id);
    let unshared = unshared(project, &seen_by, elsewhere.doubt.as_deref());
    let (state, checks) = match (other, unshared) {
        (Some(by), unshared) if seen_by.is_empty() => {
            let check = Check::failed(
                "binding-replaced",
                "connection",
                format!("it is gone from {project}, and {by} stands there under its name {:?}", bound.name),
                "find out who made the new one; if it is right, bind it in the place of the former one",
            );
            let doubt = unshared.map(Check::as_warning);
            (BindingState::Replaced { by }, std::iter::once(check).chain(doubt).collect())
        }
        (_, Some(unshared)) => (BindingState::Unshared { seen_by }, CheckReport::from(vec![unshared])),
        (_, None) => {
            let check = Check::failed(
                "binding-gone",
                "connection",
                format!("it is not in {project} any more, nor in any other project of the organization"),
                "unbind it, or bind the connection that took its place",
            );
            (BindingState::Gone, CheckReport::from(vec![check]))
        }
    };
    (state, checks)
}

/// That others use a connection which its own project does not see any more, or may use it. `None` if nobody does.
fn unshared(project: &ProjectAddress, seen_by: &[String], doubt: Option<&str>) -> Option<Check> {
    let remedy = "bind it from a project that uses it; unbind it once nobody does, since its secret counts until then";
    let code = "binding-unshared";
    match doubt {
        _ if !seen_by.is_empty() => {
            let cause = format!("it is not shared with {project} any more, and used by {}", seen_by.join(", "));
            Some(Check::failed(code, "connection", cause, remedy))
        }
        Some(doubt) => {
            let cause = format!("it is not shared with {project} any more, or deleted: {doubt}");
            let remedy = format!("ask an administrator of the organization; {remedy}");
            Some(Check::unknown(code, "connection", cause, remedy))
        }
        None => None,
    }
}
