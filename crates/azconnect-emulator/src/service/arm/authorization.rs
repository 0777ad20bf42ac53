//! Role assignments, role definitions and permissions, at any scope.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::Room;
use super::ask::{Ask, Reply};
use super::list;
use crate::base::moment::rfc3339;
use crate::base::refusal::{Granted, Refusal};
use crate::model::arm::address::same_id;
use crate::model::arm::address::{last, same, within};
use crate::model::arm::roles::{Assignment, Definition};

/// Answers a request of Microsoft.Authorization.
pub(crate) fn answer(room: &mut Room<'_>, ask: &Ask<'_>) -> Option<Granted<Reply>> {
    let parts = ask.address.parts();
    let scope = ask.address.scope.clone();
    let (kind, name) = match parts.as_slice() {
        [kind] => (*kind, None),
        [kind, name] => (*kind, Some(*name)),
        _ => return None,
    };
    let action = match ask.method.as_str() {
        "GET" => "read",
        "PUT" => "write",
        "DELETE" => "delete",
        _ => return None,
    };
    let permit = |room: &Room<'_>, kind: &str| {
        let target =
            name.map_or(scope.clone(), |name| format!("{scope}/providers/Microsoft.Authorization/{kind}/{name}"));
        room.permit(ask, &format!("Microsoft.Authorization/{kind}/{action}"), &target)
    };
    if same(kind, "permissions") && name.is_none() && action == "read" {
        return Some(permit(room, "permissions").map(|()| permissions(room, ask, &scope)));
    }
    if same(kind, "roleAssignments") {
        if let Err(refusal) = permit(room, "roleAssignments") {
            return Some(Err(refusal));
        }
        return Some(match (action, name) {
            ("read", None) => Ok(assignments(room, ask, &scope)),
            ("read", Some(name)) => one(room, &scope, name).map(|a| Reply::new(200, assignment(a))),
            ("write", Some(name)) => assign(room, ask, &scope, name),
            ("delete", Some(name)) => Ok(remove(room, ask, &scope, name)),
            _ => return None,
        });
    }
    if same(kind, "roleDefinitions") {
        if let Err(refusal) = permit(room, "roleDefinitions") {
            return Some(Err(refusal));
        }
        return Some(match (action, name) {
            ("read", None) => Ok(definitions(room, ask, &scope)),
            ("read", Some(name)) => defined(room, name).map(|d| Reply::new(200, definition(&scope, d))),
            ("write", Some(name)) => define(room, ask, &scope, name),
            _ => return None,
        });
    }
    None
}

/// What the caller may do at a scope: an entry for each of its roles.
fn permissions(room: &Room<'_>, ask: &Ask<'_>, scope: &str) -> Reply {
    let roles = room.arm.roles.effective(ask.caller.object_id(), scope, ask.now.elapsed);
    let items = roles
        .map(|role| {
            json!({
                "actions": role.actions, "notActions": role.not_actions,
                "dataActions": role.data_actions, "notDataActions": [],
            })
        })
        .collect();
    list::page(room, ask, items)
}

fn subscription_of(scope: &str) -> &str {
    scope.split('/').nth(2).unwrap_or_default()
}

fn assignment(assignment: &Assignment) -> Value {
    json!({
        "properties": {
            "roleDefinitionId": format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", subscription_of(&assignment.scope), assignment.role),
            "principalId": assignment.principal,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": null,
            "conditionVersion": null,
            "createdOn": rfc3339(assignment.created),
            "updatedOn": rfc3339(assignment.created),
            "createdBy": assignment.by,
            "updatedBy": assignment.by,
            "delegatedManagedIdentityResourceId": null,
            "description": null,
        },
        "id": assignment.id(),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.name,
    })
}

fn one<'a>(room: &'a Room<'_>, scope: &str, name: &str) -> Granted<&'a Assignment> {
    let found = room.arm.roles.assignments.iter().find(|a| same(&a.name, name) && same_id(&a.scope, scope));
    found.ok_or_else(|| {
        Refusal::new(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))
    })
}

fn assignments(room: &Room<'_>, ask: &Ask<'_>, scope: &str) -> Reply {
    let filter = ask.query.filled("$filter").unwrap_or_default().to_ascii_lowercase();
    let quoted = |name: &str| {
        let rest = filter.split(name).nth(1)?;
        rest.split('\'').nth(1).map(str::to_owned)
    };
    let principal = quoted("principalid").or_else(|| quoted("assignedto("));
    let only_here = filter.contains("atscope()");
    let items = room
        .arm
        .roles
        .assignments
        .iter()
        .filter(|a| within(&a.scope, scope) || (!only_here && within(scope, &a.scope)))
        .filter(|a| principal.as_ref().is_none_or(|principal| a.principal.to_string() == *principal))
        .map(assignment)
        .collect();
    list::page(room, ask, items)
}

/// Gives a role to a principal.
fn assign(room: &mut Room<'_>, ask: &Ask<'_>, scope: &str, name: &str) -> Granted<Reply> {
    let (role, principal) = asked_for(room, ask, name)?;
    let is_same = |a: &&Assignment| a.role == role && a.principal == principal && same_id(&a.scope, scope);
    let assignments = &room.arm.roles.assignments;
    let named = assignments.iter().find(|a| same(&a.name, name));
    if named.is_some_and(|named| !is_same(&named)) {
        return Err(Refusal::new(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        ));
    }
    if let Some(twin) = assignments.iter().find(is_same) {
        return Err(exists(twin));
    }
    let kind = require_principal(room, ask, principal)?;
    let new = Assignment {
        name: name.to_owned(),
        scope: scope.to_owned(),
        role,
        principal,
        principal_type: kind,
        effective: ask.now.elapsed.saturating_add(room.settings.role_lag),
        created: ask.now.wall,
        by: Some(ask.caller.object_id()),
    };
    let by = Some(ask.caller.object_id());
    let id = new.id();
    room.arm.ledger.created(&id, "Microsoft.Authorization/roleAssignments", ask.now.wall, by, None);
    let body = assignment(&new);
    room.arm.roles.assignments.push(new);
    Ok(Reply::new(201, body))
}

/// The role and the principal of a request, if its name and both ids are sound.
fn asked_for(room: &Room<'_>, ask: &Ask<'_>, name: &str) -> Granted<(Uuid, Uuid)> {
    if Uuid::parse_str(name).is_err() {
        let message = format!("The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.");
        return Err(Refusal::new(400, "InvalidRoleAssignmentId", message));
    }
    let text = |field: &str| {
        ask.text(&format!("/properties/{field}")).ok_or_else(|| {
            Refusal::new(400, "BadRequestFormat", format!("The request was incorrectly formatted: {field} is needed."))
        })
    };
    let (role, principal) = (last(text("roleDefinitionId")?), text("principalId")?);
    let known = |id: &Uuid| room.arm.roles.definitions.iter().any(|definition| definition.id == *id);
    let Some(role_id) = Uuid::parse_str(role).ok().filter(known) else {
        let message = format!("The specified role definition with ID '{}' does not exist.", role.replace('-', ""));
        return Err(Refusal::new(400, "RoleDefinitionDoesNotExist", message));
    };
    let principal_id = Uuid::parse_str(principal).map_err(|_| {
        let message =
            format!("A valid principal ID must be provided for role assignment. Provided principal ID: '{principal}'.");
        Refusal::new(400, "InvalidPrincipalId", message)
    })?;
    Ok((role_id, principal_id))
}

fn exists(assignment: &Assignment) -> Box<Refusal> {
    Refusal::new(
        409,
        "RoleAssignmentExists",
        format!(
            "The role assignment already exists. The ID of the existing role assignment is {}.",
            assignment.name.replace('-', "")
        ),
    )
}

/// The kind of a principal. One that is new may not be known here yet, unless the caller says its kind.
fn require_principal(room: &Room<'_>, ask: &Ask<'_>, id: Uuid) -> Granted<String> {
    let missing = || {
        Refusal::new(
            400,
            "PrincipalNotFound",
            format!(
                "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
                id.simple(),
                ask.caller.tenant
            ),
        )
    };
    let (kind, born) = match (room.directory.principal(id), room.directory.user(id)) {
        (Some(principal), _) => ("ServicePrincipal", principal.created.elapsed),
        (None, Some(_)) => ("User", None),
        (None, None) => return Err(missing()),
    };
    let said = ask.text("/properties/principalType");
    if said.is_some_and(|said| !same(said, kind)) {
        return Err(Refusal::new(
            400,
            "UnmatchedPrincipalType",
            format!(
                "The PrincipalId '{}' has type '{kind}' , which is different from specified PrinciaplType '{}'.",
                id.simple(),
                said.unwrap_or_default()
            ),
        ));
    }
    let young = born.is_some_and(|born: Duration| ask.now.elapsed < born.saturating_add(room.settings.principal_lag));
    if young && said.is_none() {
        return Err(missing());
    }
    Ok(kind.to_owned())
}

fn remove(room: &mut Room<'_>, ask: &Ask<'_>, scope: &str, name: &str) -> Reply {
    let assignments = &mut room.arm.roles.assignments;
    let at = assignments.iter().position(|a| same(&a.name, name) && same_id(&a.scope, scope));
    let Some(at) = at else { return Reply::new(204, Value::Null) };
    let removed = assignments.remove(at);
    room.arm.ledger.deleted(&removed.id(), ask.now.wall, Some(ask.caller.object_id()));
    let body = assignment(&removed);
    Reply::new(200, body)
}

fn definition(scope: &str, role: &Definition) -> Value {
    json!({
        "properties": {
            "roleName": role.name,
            "type": if role.is_built_in() { "BuiltInRole" } else { "CustomRole" },
            "description": role.description,
            "assignableScopes": role.scopes,
            "permissions": [{
                "actions": role.actions, "notActions": role.not_actions,
                "dataActions": role.data_actions, "notDataActions": [],
            }],
        },
        "id": format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", subscription_of(scope), role.id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    })
}

fn definitions(room: &Room<'_>, ask: &Ask<'_>, scope: &str) -> Reply {
    let filter = ask.query.filled("$filter").unwrap_or_default();
    let wanted = filter.to_ascii_lowercase().contains("rolename").then(|| filter.split('\'').nth(1)).flatten();
    let reaches = |role: &&Definition| role.scopes.iter().any(|own| own == "/" || within(own, scope));
    let items = room
        .arm
        .roles
        .definitions
        .iter()
        .filter(reaches)
        .filter(|role| wanted.is_none_or(|wanted| same(&role.name, wanted)))
        .map(|role| definition(scope, role))
        .collect();
    list::page(room, ask, items)
}

fn defined<'a>(room: &'a Room<'_>, name: &str) -> Granted<&'a Definition> {
    let id = Uuid::parse_str(name).ok();
    room.arm.roles.definitions.iter().find(|role| Some(role.id) == id).ok_or_else(|| {
        Refusal::new(
            404,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{name}' does not exist."),
        )
    })
}

/// Makes a role of the customer's own.
fn define(room: &mut Room<'_>, ask: &Ask<'_>, scope: &str, name: &str) -> Granted<Reply> {
    let (Ok(id), Some(role_name)) = (Uuid::parse_str(name), ask.text("/properties/roleName")) else {
        return Err(Refusal::new(
            400,
            "InvalidRoleDefinition",
            "The role definition needs a GUID as its name, and a roleName.",
        ));
    };
    let texts = |pointer: &str| -> Vec<String> {
        let list = ask.at(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let roles = &mut room.arm.roles.definitions;
    if roles.iter().any(|role| role.id != id && same(&role.name, role_name)) {
        return Err(Refusal::new(
            409,
            "RoleDefinitionWithSameNameExists",
            format!("A custom role with the name '{role_name}' already exists in this directory."),
        ));
    }
    roles.retain(|role| role.id != id || role.is_built_in());
    let role = Definition {
        id,
        name: role_name.to_owned(),
        description: ask.text("/properties/description").unwrap_or_default().to_owned(),
        actions: texts("/properties/permissions/0/actions"),
        not_actions: texts("/properties/permissions/0/notActions"),
        data_actions: texts("/properties/permissions/0/dataActions"),
        scopes: texts("/properties/assignableScopes"),
    };
    let body = definition(scope, &role);
    roles.push(role);
    Ok(Reply::new(201, body))
}
