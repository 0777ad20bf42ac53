//! Application roles that a service principal was assigned.

use azconnect_core::{Error, ErrorKind, PrincipalObjectId};
use azconnect_http::{Call, Idempotency, PageStyle, Pages};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::application::PermissionId;
use crate::client::{GraphClient, needing};
use crate::dialect::{AbsenceDialect, GraphDialect, PresenceDialect};

/// How many roles of one service principal are read at most: the service allows 1,500.
const MOST_READ: usize = 10_000;

const ASSIGNMENTS: &str = "appRoleAssignments";

/// Stands for access without a role.
const NO_ROLE: &str = "00000000-0000-0000-0000-000000000000";

const NEEDED: &str = "grant the caller AppRoleAssignment.ReadWrite.All on Microsoft Graph, as a Privileged Role Administrator, \
                      or have such an administrator consent in the portal";

/// An assignment as it is listed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    resource_id: PrincipalObjectId,
    app_role_id: String,
}

/// A role that was assigned.
pub(super) struct Assignment {
    id: String,
    pub(super) resource: PrincipalObjectId,
    pub(super) role: PermissionId,
}

impl GraphClient {
    /// The roles of a service principal, but for access without a role.
    pub(super) async fn assignments(&self, client: PrincipalObjectId) -> Result<Vec<Assignment>, Error> {
        let url = self.holder_address(&client.into(), &[ASSIGNMENTS], &[])?;
        let call = self.read_call("graph.consent.list_roles", url);
        let listed: Vec<Listed> =
            Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).all(MOST_READ).await?;
        let named = listed.into_iter().filter(|one| one.app_role_id != NO_ROLE);
        let read = |one: Listed| match one.app_role_id.parse() {
            Ok(role) => Ok(Assignment { id: one.id, resource: one.resource_id, role }),
            Err(_) => Err(Error::new(ErrorKind::Unexpected, "an assignment names no application role")),
        };
        named.map(read).collect()
    }

    pub(super) async fn assign_role(
        &self,
        client: PrincipalObjectId,
        resource: PrincipalObjectId,
        role: PermissionId,
    ) -> Result<(), Error> {
        let body = json!({"principalId": client, "resourceId": resource, "appRoleId": role});
        let url = self.holder_address(&client.into(), &[ASSIGNMENTS], &[])?;
        let call = Call::new("graph.consent.assign_role", Method::POST, url, Idempotency::Idempotent);
        let outcome = self.change(self.prepared(call.with_json(&body)?), &PresenceDialect).await;
        outcome.map(drop).map_err(|error| needing(NEEDED, error))
    }

    pub(super) async fn take_role(
        &self,
        client: PrincipalObjectId,
        resource: PrincipalObjectId,
        role: PermissionId,
    ) -> Result<(), Error> {
        let assigned = self.assignments(client).await?;
        for one in assigned.iter().filter(|one| (one.resource, one.role) == (resource, role)) {
            let url = self.holder_address(&client.into(), &[ASSIGNMENTS, &one.id], &[])?;
            let call = self.prepared(Call::delete("graph.consent.take_role", url));
            let outcome = self.pipeline.execute(call, &AbsenceDialect).await;
            outcome.map_err(|error| needing(NEEDED, error))?;
        }
        Ok(())
    }
}
