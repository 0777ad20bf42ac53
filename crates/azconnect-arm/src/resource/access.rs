//! Permissions, role definitions and role assignments: views.

use super::view::views;

views! {
    /// What one role allows the caller at a scope.
    Permissions {
        /// What it allows, with `*` for anything.
        actions: Vec<String>,
        /// What it takes away from that.
        not_actions: Vec<String>,
        /// What it allows with data.
        data_actions: Vec<String>,
        /// What it takes away from that.
        not_data_actions: Vec<String>,
    }
    /// A role assignment.
    RoleAssignment {
        /// Its id.
        id: String,
        /// Its name, a GUID.
        name: String,
        /// Who has which role where.
        properties: RoleAssignmentProperties,
    }
    /// Who has which role where.
    RoleAssignmentProperties {
        /// The role.
        role_definition_id: String,
        /// Who.
        principal_id: String,
        /// `ServicePrincipal`, `User` or `Group`.
        principal_type: Option<String>,
        /// Where.
        scope: Option<String>,
    }
    /// A role.
    RoleDefinition {
        /// Its id.
        id: String,
        /// Its name, a GUID.
        name: String,
        /// What it allows.
        properties: RoleDefinitionProperties,
    }
    /// What a role allows.
    RoleDefinitionProperties {
        /// What people call it.
        role_name: String,
        /// `BuiltInRole` or `CustomRole`.
        #[serde(rename(deserialize = "type"))]
        kind: Option<String>,
        /// What it allows.
        permissions: Vec<Permissions>,
    }
}

impl RoleAssignmentProperties {
    pub(crate) fn to_send(role_definition_id: String, principal_id: String, principal_type: &str) -> Self {
        Self { role_definition_id, principal_id, principal_type: Some(principal_type.to_owned()), scope: None }
    }
}
