//! How a connection is called as a consumer: the same wherever it is found.

use azconnect_core::Error;
use azconnect_credential::SinkId;

use crate::document::{Endpoint, EndpointId, shown};
use crate::name::ProjectRef;

/// The stable name: `devops:{organization}/{connection id}`. A connection that several projects see is one consumer.
///
/// # Errors
/// If the collection's name cannot be part of a name.
pub(crate) fn sink_id(organization: &str, endpoint: EndpointId) -> Result<SinkId, Error> {
    SinkId::new(format!("devops:{}/{endpoint}", organization.to_ascii_lowercase()))
}

/// What it is and where, for a person.
pub(crate) fn title(endpoint: &Endpoint, organization: &str, project: &ProjectRef) -> String {
    let (name, kind) = (shown(endpoint.name()), shown(endpoint.type_name()));
    format!("service connection {name:?} ({kind}) in {organization}/{project}")
}
