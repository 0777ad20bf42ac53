//! Who may do what: permissions, role definitions and role assignments of a scope.

use azconnect_core::{Error, PrincipalObjectId};
use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::arm::Arm;
use super::list::List;
use crate::resource::access::{Permissions, RoleAssignment, RoleAssignmentProperties, RoleDefinition};
use crate::resource::{AUTHORIZATION_API, ResourceId};

/// The part of an address between a scope and the kind that is asked for.
const PROVIDER: [&str; 2] = ["providers", "Microsoft.Authorization"];

impl Arm {
    /// The permissions of the caller at a scope, one entry for each role. An action is allowed if one entry lists it in
    /// `actions` and not in `not_actions`.
    pub fn permissions(&self, scope: &ResourceId) -> List<Permissions> {
        let url = self.authorization(scope, &["permissions"], &[]);
        List::new(self, url.map(|url| self.call("arm.permission.list", Method::GET, url)))
    }

    /// The role definitions with a display name, such as `Contributor`, that can be given at a scope.
    pub fn role_definitions(&self, scope: &ResourceId, name: &str) -> List<RoleDefinition> {
        // Doubled, as OData wants it: a single quote would end the text, and the rest would be read as a filter.
        let filter = format!("roleName eq '{}'", name.replace('\'', "''"));
        let url = self.authorization(scope, &["roleDefinitions"], &[("$filter", &filter)]);
        List::new(self, url.map(|url| self.call("arm.role_definition.list", Method::GET, url)))
    }

    /// The role assignments of a principal at a scope, above it and below it: the filter `principalId eq` finds them
    /// all.
    pub fn role_assignments(&self, scope: &ResourceId, principal: PrincipalObjectId) -> List<RoleAssignment> {
        let filter = format!("principalId eq '{principal}'");
        let url = self.authorization(scope, &["roleAssignments"], &[("$filter", &filter)]);
        List::new(self, url.map(|url| self.call("arm.role_assignment.list", Method::GET, url)))
    }

    pub(crate) async fn put_role_assignment(
        &self,
        scope: &ResourceId,
        name: Uuid,
        assignment: &RoleAssignmentProperties,
    ) -> Result<RoleAssignment, Error> {
        let url = self.authorization(scope, &["roleAssignments", &name.to_string()], &[])?;
        let body = json!({"properties": {
            "roleDefinitionId": assignment.role_definition_id,
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
        }});
        self.read(self.call("arm.role_assignment.create", Method::PUT, url).with_json(&body)?).await
    }

    pub(crate) async fn delete_role_assignment(&self, scope: &ResourceId, name: Uuid) -> Result<(), Error> {
        let url = self.authorization(scope, &["roleAssignments", &name.to_string()], &[])?;
        self.execute(self.call("arm.role_assignment.delete", Method::DELETE, url)).await.map(|_| ())
    }

    fn authorization(&self, scope: &ResourceId, rest: &[&str], query: &[(&str, &str)]) -> Result<url::Url, Error> {
        let segments: Vec<&str> = PROVIDER.iter().chain(rest).copied().collect();
        let query: Vec<_> = [("api-version", AUTHORIZATION_API)].into_iter().chain(query.iter().copied()).collect();
        self.url(scope, &segments, &query)
    }
}
