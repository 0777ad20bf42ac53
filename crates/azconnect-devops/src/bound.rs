//! What became of service connections since they were bound to a rotation.

use azconnect_core::Error;
use azconnect_credential::{BindingState, BoundServiceConnection, Check, CheckReport};

use crate::document::{AuthorizationScheme, Endpoint};
use crate::endpoint::EndpointQuery;
use crate::name::{OrganizationName, ProjectRef};
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
/// One list is read for all of them. One that is not in it counts as gone only if the caller may administer the project's
/// connections: to others the service hides what they may not see, and that is [`Unreadable`](BindingState::Unreadable).
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
    let is_missing = |one: &&BoundServiceConnection| !listed.iter().any(|found| found.id() == one.id);
    let doubt = if bound.iter().any(is_missing) { hidden(directory, project).await } else { None };
    bound
        .iter()
        .map(|one| match (listed.iter().find(|found| found.id() == one.id), &doubt) {
            (Some(found), _) => compare(one, found),
            (None, Some(error)) => unreadable(project, error),
            (None, None) => missing(one, project, &listed),
        })
        .collect()
}

/// Why a connection that is not listed may be there all the same.
async fn hidden(directory: &dyn ConnectionDirectory, project: &ProjectAddress) -> Option<Error> {
    match directory.permission(project).await {
        Ok(permission) => permission.require().err(),
        Err(error) => Some(error),
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

/// What stands in the place of one that is not listed to somebody who may see all.
fn missing(
    bound: &BoundServiceConnection,
    project: &ProjectAddress,
    listed: &[Endpoint],
) -> (BindingState, CheckReport) {
    let same_name = |found: &&Endpoint| found.name().is_some_and(|name| name.eq_ignore_ascii_case(&bound.name));
    let (state, check) = match listed.iter().find(same_name) {
        Some(other) => (
            BindingState::Replaced { by: other.id() },
            Check::failed(
                "binding-replaced",
                "connection",
                format!("it is gone from {project}, and {} stands there under its name {:?}", other.id(), bound.name),
                "find out who made the new one; if it is right, bind it in the place of the former one",
            ),
        ),
        None => (
            BindingState::Gone,
            Check::failed(
                "binding-gone",
                "connection",
                format!("it is not in {project} any more"),
                "unbind it, or bind the connection that took its place",
            ),
        ),
    };
    (state, CheckReport::from(vec![check]))
}
