//! The members and words of role assignments and role definitions, as in the specification of Microsoft.Authorization.

use serde_json::Value;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::service::arm::members::{self, Members, Provider, Words};

/// What an assignment may hold. What the service alone writes may come back as it was read.
const ASSIGNMENT: &[Members] = &[
    ("", "RoleAssignment", &["id", "name", "type", "properties"]),
    (
        "properties",
        "RoleAssignmentProperties",
        &[
            "scope",
            "roleDefinitionId",
            "principalId",
            "principalType",
            "description",
            "condition",
            "conditionVersion",
            "createdOn",
            "updatedOn",
            "createdBy",
            "updatedBy",
            "delegatedManagedIdentityResourceId",
        ],
    ),
];

const ASSIGNMENT_WORDS: &[Words] =
    &[("properties.principalType", "PrincipalType", &["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"])];

const DEFINITION: &[Members] = &[
    ("", "RoleDefinition", &["id", "name", "type", "properties"]),
    (
        "properties",
        "RoleDefinitionProperties",
        &[
            "roleName",
            "description",
            "type",
            "permissions",
            "assignableScopes",
            "createdOn",
            "updatedOn",
            "createdBy",
            "updatedBy",
        ],
    ),
    (
        "properties.permissions.[]",
        "Permission",
        &["actions", "notActions", "dataActions", "notDataActions", "condition", "conditionVersion"],
    ),
];

/// The lists of texts of a definition.
const LISTS: [&str; 5] = [
    "/properties/assignableScopes",
    "/properties/permissions/0/actions",
    "/properties/permissions/0/notActions",
    "/properties/permissions/0/dataActions",
    "/properties/permissions/0/notDataActions",
];

/// Refuses the body of an assignment that the service could not read.
pub(super) fn check_assignment(body: &Value) -> OrRefusal<()> {
    members::check_for(Provider::Authorization, body, ASSIGNMENT)?;
    members::check_words(Provider::Authorization, body, ASSIGNMENT_WORDS)?;
    for member in ["roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion"] {
        let value = body.pointer(&format!("/properties/{member}"));
        if value.is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err(unread(&format!("{member} is no text.")));
        }
    }
    let text = |member: &str| body.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
    // A condition is written in a version of its language, of which only this one is taken.
    match (text("condition"), text("conditionVersion")) {
        (None, None) | (Some(_), Some("2.0")) => Ok(()),
        (Some(_), _) => Err(unread("A condition needs conditionVersion 2.0.")),
        (None, Some(_)) => Err(unread("conditionVersion needs a condition.")),
    }
}

/// Refuses the body of a definition that the service could not read.
pub(super) fn check_definition(body: &Value) -> OrRefusal<()> {
    members::check_for(Provider::Authorization, body, DEFINITION)?;
    for pointer in LISTS {
        let list = body.pointer(pointer).filter(|value| !value.is_null());
        let texts = list.is_none_or(|list| list.as_array().is_some_and(|items| items.iter().all(Value::is_string)));
        if !texts {
            return Err(unread(&format!("{} is no list of texts.", pointer.rsplit('/').next().unwrap_or_default())));
        }
    }
    let filled = |pointer: &str| body.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if !filled("/properties/permissions") {
        return Err(incomplete("permissions"));
    }
    if !filled("/properties/assignableScopes") {
        return Err(incomplete("assignableScopes"));
    }
    Ok(())
}

fn incomplete(member: &str) -> Box<Refusal> {
    Refusal::new(400, "InvalidRoleDefinition", format!("The role definition needs {member}."))
}

fn unread(what: &str) -> Box<Refusal> {
    Refusal::new(400, "BadRequestFormat", format!("The request was incorrectly formatted: {what}"))
}
