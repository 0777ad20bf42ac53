//! Permissions, role definitions and role assignments: views.

use super::view::views;

views! {
    /// What one role allows the caller at a scope.
    Permissions {
        /// The actions that the role allows, such as `Microsoft.Compute/*/read`; `*` stands for anything.
        actions: Vec<String>,
        /// The actions that are left out of `actions`. Another role may still allow them.
        not_actions: Vec<String>,
        /// The actions on data that the role allows, such as reading a blob; in the same form.
        data_actions: Vec<String>,
        /// The actions that are left out of `data_actions`.
        not_data_actions: Vec<String>,
    }
    /// One role given to one principal at one scope.
    RoleAssignment {
        /// The resource id, which begins with the scope that the role was given at.
        id: String,
        /// The name, a GUID that whoever gave the role chose.
        name: String,
        /// The principal, the role and the scope.
        properties: RoleAssignmentProperties,
    }
    /// The principal, the role and the scope of a role assignment.
    RoleAssignmentProperties {
        /// The id of the role's definition, which ends with its GUID.
        role_definition_id: String,
        /// The object id of the principal.
        principal_id: String,
        /// The type of the principal: `ServicePrincipal`, `User` or `Group`.
        principal_type: Option<String>,
        /// The id of the scope at which the role holds.
        scope: Option<String>,
    }
    /// The definition of a role.
    RoleDefinition {
        /// The id that a role assignment names, which ends with `/roleDefinitions/GUID`.
        id: String,
        /// The GUID of the role, which is the same in every subscription for a built-in role.
        name: String,
        /// The display name, type and permissions of the role.
        properties: RoleDefinitionProperties,
    }
    /// The display name, type and permissions of a role.
    RoleDefinitionProperties {
        /// The display name, such as `Contributor`.
        role_name: String,
        /// The origin of the role: `BuiltInRole` or `CustomRole`.
        #[serde(rename(deserialize = "type"))]
        kind: Option<String>,
        /// The actions that the role allows.
        permissions: Vec<Permissions>,
    }
}

impl RoleAssignmentProperties {
    pub(crate) fn to_send(role_definition_id: String, principal_id: String, principal_type: &str) -> Self {
        Self { role_definition_id, principal_id, principal_type: Some(principal_type.to_owned()), scope: None }
    }
}
