//! Role assignments, role definitions and permissions, at any scope.

mod members;

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::context::{Context, Reply};
use super::list;
use crate::base::moment::rfc3339;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{last, same, same_id, within};
use crate::model::arm::roles::{Assignment, Definition, Terms};
use crate::model::world::World;

const ASSIGNMENTS: &str = "roleAssignments";
const DEFINITIONS: &str = "roleDefinitions";

/// Refuses what the caller may not do with roles at the scope of a request.
fn permit(cx: &Context<'_>, world: &World, kind: &str, name: Option<&str>, action: &str) -> OrRefusal<()> {
    let scope = &cx.address.scope;
    let action = format!("Microsoft.Authorization/{kind}/{action}");
    match name {
        Some(name) => cx.permit(world, &action, &format!("{scope}/providers/Microsoft.Authorization/{kind}/{name}")),
        None => cx.permit(world, &action, scope),
    }
}

/// What the caller may do at a scope: an entry for each of its roles.
pub(crate) fn permissions(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    permit(cx, world, "permissions", None, "read")?;
    let scope = &cx.address.scope;
    let roles = world.arm.roles.effective(cx.caller.object_id(), scope, cx.now.elapsed);
    let items = roles
        .map(|role| {
            json!({
                "actions": role.actions, "notActions": role.not_actions,
                "dataActions": role.data_actions, "notDataActions": role.not_data_actions,
            })
        })
        .collect();
    Ok(list::page(cx, world, items))
}

/// Shows one role assignment at the scope of the request.
pub(crate) fn assignment(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, ASSIGNMENTS, Some(name), "read")?;
    one(world, &cx.address.scope, name).map(|assignment| Reply::new(200, shown(assignment)))
}

/// Shows one role definition.
pub(crate) fn definition(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, DEFINITIONS, Some(name), "read")?;
    defined(world, name).map(|role| Reply::new(200, shown_role(&cx.address.scope, role)))
}

fn subscription_of(scope: &str) -> &str {
    scope.split('/').nth(2).unwrap_or_default()
}

fn shown(assignment: &Assignment) -> Value {
    json!({
        "properties": {
            "roleDefinitionId": format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", subscription_of(&assignment.scope), assignment.role),
            "principalId": assignment.principal,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": assignment.terms.condition,
            "conditionVersion": assignment.terms.condition_version,
            "createdOn": rfc3339(assignment.created),
            "updatedOn": rfc3339(assignment.created),
            "createdBy": assignment.by,
            "updatedBy": assignment.by,
            "delegatedManagedIdentityResourceId": assignment.terms.delegated_identity,
            "description": assignment.terms.description,
        },
        "id": assignment.id(),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.name,
    })
}

fn one<'a>(world: &'a World, scope: &str, name: &str) -> OrRefusal<&'a Assignment> {
    let found = world.arm.roles.assignments.iter().find(|a| same(&a.name, name) && same_id(&a.scope, scope));
    found.ok_or_else(|| {
        Refusal::new(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))
    })
}

/// Lists the assignments at a scope, above it and below it.
pub(crate) fn assignments(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    permit(cx, world, ASSIGNMENTS, None, "read")?;
    let scope = cx.address.scope.as_str();
    let (principal, only_here) = filter_of(cx.call.query.filled("$filter").unwrap_or_default())?;
    let items = world
        .arm
        .roles
        .assignments
        .iter()
        .filter(|a| within(&a.scope, scope) || (!only_here && within(scope, &a.scope)))
        .filter(|a| principal.as_ref().is_none_or(|principal| a.principal == *principal))
        .map(shown)
        .collect();
    Ok(list::page(cx, world, items))
}

/// The principal that a filter names, and whether only what holds at the scope is asked for: given there or above it. The
/// documents name `atScope()`, `principalId eq`, `assignedTo()`, and `atScope()` with `assignedTo()`.
fn filter_of(text: &str) -> OrRefusal<(Option<Uuid>, bool)> {
    let plain = text.trim().to_ascii_lowercase();
    let (only_here, rest) = match plain.strip_prefix("atscope()") {
        Some(rest) => (true, rest.trim_start().strip_prefix("and ").unwrap_or(rest).trim()),
        None => (false, plain.as_str()),
    };
    if rest.is_empty() {
        return Ok((None, only_here));
    }
    let assigned = rest.strip_prefix("assignedto('").and_then(|rest| rest.strip_suffix("')"));
    let equal = rest.strip_prefix("principalid eq").map(|id| id.trim().trim_matches('\'')).filter(|_| !only_here);
    let principal = assigned.or(equal).and_then(|id| Uuid::parse_str(id).ok());
    principal.map(|principal| (Some(principal), only_here)).ok_or_else(|| {
        Refusal::new(
            400,
            "UnsupportedQuery",
            "The filter is not supported. Supported filters are either 'atScope()', 'principalId eq '{value}'' or 'assignedTo('{value}')'.",
        )
    })
}

/// Assigns a role to a principal.
pub(crate) fn assign(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, ASSIGNMENTS, Some(name), "write")?;
    members::check_assignment(&cx.body)?;
    let scope = cx.address.scope.as_str();
    let (role, principal) = asked_for(cx, world, name)?;
    let is_same = |a: &&Assignment| a.role == role && a.principal == principal && same_id(&a.scope, scope);
    let assignments = &world.arm.roles.assignments;
    let named = assignments.iter().find(|a| same(&a.name, name));
    if named.is_some_and(|named| !is_same(&named)) {
        return Err(Refusal::new(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        ));
    }
    let terms = terms_of(cx);
    // Under its own name an assignment takes another description and condition, and nothing else.
    if named.is_some_and(|named| named.terms != terms) {
        let found = world.arm.roles.assignments.iter_mut().find(|a| same(&a.name, name));
        return found.map_or_else(
            || Err(Refusal::not_emulated()),
            |found| {
                found.terms = terms;
                Ok(Reply::new(200, shown(found)))
            },
        );
    }
    // Two assignments that say the same are refused even under different names.
    if let Some(twin) = assignments.iter().find(is_same) {
        return Err(exists(twin));
    }
    let kind = require_principal(cx, world, principal)?;
    let new = Assignment {
        name: name.to_owned(),
        scope: scope.to_owned(),
        role,
        principal,
        principal_type: kind,
        // Listed from now on, and without an effect until the lag has passed.
        effective: cx.now.elapsed.saturating_add(world.settings.resource_manager.role_lag),
        created: cx.now.wall,
        by: Some(cx.caller.object_id()),
        terms,
    };
    let by = Some(cx.caller.object_id());
    let id = new.id();
    world.arm.ledger.created(&id, "Microsoft.Authorization/roleAssignments", cx.now.wall, by, None);
    let body = shown(&new);
    world.arm.roles.assignments.push(new);
    Ok(Reply::new(201, body))
}

fn terms_of(cx: &Context<'_>) -> Terms {
    let text = |member: &str| cx.text(&format!("/properties/{member}")).map(str::to_owned);
    Terms {
        description: text("description"),
        condition: text("condition"),
        condition_version: text("conditionVersion"),
        delegated_identity: text("delegatedManagedIdentityResourceId"),
    }
}

/// The role and the principal of a request, if its name and both ids are sound.
fn asked_for(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<(Uuid, Uuid)> {
    if Uuid::parse_str(name).is_err() {
        let message = format!("The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.");
        return Err(Refusal::new(400, "InvalidRoleAssignmentId", message));
    }
    let text = |field: &str| {
        cx.text(&format!("/properties/{field}")).ok_or_else(|| {
            Refusal::new(400, "BadRequestFormat", format!("The request was incorrectly formatted: {field} is needed."))
        })
    };
    let (role, principal) = (last(text("roleDefinitionId")?), text("principalId")?);
    let scope = cx.address.scope.as_str();
    let reaches = |definition: &Definition| definition.scopes.iter().any(|own| own == "/" || within(own, scope));
    // A role that may not be assigned here does not exist here.
    let known = |id: &Uuid| world.arm.roles.definitions.iter().any(|role| role.id == *id && reaches(role));
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
fn require_principal(cx: &Context<'_>, world: &World, id: Uuid) -> OrRefusal<String> {
    let missing = || {
        Refusal::new(
            400,
            "PrincipalNotFound",
            format!(
                "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
                id.simple(),
                cx.caller.tenant
            ),
        )
    };
    let (kind, born) = match (world.directory.principal(id), world.directory.user(id)) {
        (Some(principal), _) => ("ServicePrincipal", principal.created.elapsed),
        (None, Some(_)) => ("User", None),
        (None, None) => return Err(missing()),
    };
    let said = cx.text("/properties/principalType");
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
    // Resource Manager has a copy of the directory of its own, which lags.
    let young = born.is_some_and(|born: Duration| {
        cx.now.elapsed < born.saturating_add(world.settings.resource_manager.principal_lag)
    });
    if young && said.is_none() {
        return Err(missing());
    }
    Ok(kind.to_owned())
}

/// Removes the assignment of a role.
pub(crate) fn withdraw(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, ASSIGNMENTS, Some(name), "delete")?;
    let scope = cx.address.scope.as_str();
    let assignments = &mut world.arm.roles.assignments;
    let at = assignments.iter().position(|a| same(&a.name, name) && same_id(&a.scope, scope));
    let Some(at) = at else { return Ok(Reply::new(204, Value::Null)) };
    let removed = assignments.remove(at);
    world.arm.ledger.deleted(&removed.id(), cx.now.wall, Some(cx.caller.object_id()));
    let body = shown(&removed);
    Ok(Reply::new(200, body))
}

fn shown_role(scope: &str, role: &Definition) -> Value {
    json!({
        "properties": {
            "roleName": role.name,
            "type": if role.is_built_in() { "BuiltInRole" } else { "CustomRole" },
            "description": role.description,
            "assignableScopes": role.scopes,
            "permissions": [{
                "actions": role.actions, "notActions": role.not_actions,
                "dataActions": role.data_actions, "notDataActions": role.not_data_actions,
            }],
        },
        "id": format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", subscription_of(scope), role.id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    })
}

/// Lists the roles that may be assigned at a scope.
pub(crate) fn definitions(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    permit(cx, world, DEFINITIONS, None, "read")?;
    let scope = cx.address.scope.as_str();
    let filter = cx.call.query.filled("$filter").unwrap_or_default();
    let wanted = filter.to_ascii_lowercase().contains("rolename").then(|| filter.split('\'').nth(1)).flatten();
    let reaches = |role: &&Definition| role.scopes.iter().any(|own| own == "/" || within(own, scope));
    let items = world
        .arm
        .roles
        .definitions
        .iter()
        .filter(reaches)
        .filter(|role| wanted.is_none_or(|wanted| same(&role.name, wanted)))
        .map(|role| shown_role(scope, role))
        .collect();
    Ok(list::page(cx, world, items))
}

fn defined<'a>(world: &'a World, name: &str) -> OrRefusal<&'a Definition> {
    let id = Uuid::parse_str(name).ok();
    world.arm.roles.definitions.iter().find(|role| Some(role.id) == id).ok_or_else(|| {
        Refusal::new(
            404,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{name}' does not exist."),
        )
    })
}

/// Removes a role of the customer's own. A role that is assigned stays, and so do those that are built in.
pub(crate) fn undefine(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, DEFINITIONS, Some(name), "delete")?;
    let Ok(role) = defined(world, name) else { return Ok(Reply::new(204, Value::Null)) };
    let (id, body) = (role.id, shown_role(&cx.address.scope, role));
    if role.is_built_in() {
        let text = "A built-in role definition cannot be deleted.";
        return Err(Refusal::new(400, "RoleDefinitionCannotBeDeleted", text));
    }
    if world.arm.roles.assignments.iter().any(|assignment| assignment.role == id) {
        let text = "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)";
        return Err(Refusal::new(400, "RoleDefinitionHasAssignments", text));
    }
    world.arm.roles.definitions.retain(|role| role.id != id);
    Ok(Reply::new(200, body))
}

/// Makes a role of the customer's own.
pub(crate) fn define(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, DEFINITIONS, Some(name), "write")?;
    members::check_definition(&cx.body)?;
    let scope = cx.address.scope.as_str();
    let (Ok(id), Some(role_name)) = (Uuid::parse_str(name), cx.text("/properties/roleName")) else {
        return Err(Refusal::new(
            400,
            "InvalidRoleDefinition",
            "The role definition needs a GUID as its name, and a roleName.",
        ));
    };
    let texts = |pointer: &str| -> Vec<String> {
        let list = cx.at(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let roles = &mut world.arm.roles.definitions;
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
        description: cx.text("/properties/description").unwrap_or_default().to_owned(),
        actions: texts("/properties/permissions/0/actions"),
        not_actions: texts("/properties/permissions/0/notActions"),
        data_actions: texts("/properties/permissions/0/dataActions"),
        not_data_actions: texts("/properties/permissions/0/notDataActions"),
        scopes: texts("/properties/assignableScopes"),
    };
    let body = shown_role(scope, &role);
    roles.push(role);
    Ok(Reply::new(201, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// *List Azure role assignments using the REST API* names these filters, and no others.
    #[test]
    fn only_the_documented_filters_are_taken() {
        let id = "1272a66f-e2e8-4e88-ab43-487409186c3f";
        let principal = Some(Uuid::parse_str(id).unwrap());
        let taken = |text: String| filter_of(&text).unwrap();
        assert_eq!(taken(String::new()), (None, false));
        assert_eq!(taken("atScope()".to_owned()), (None, true));
        assert_eq!(taken(format!("principalId eq '{id}'")), (principal, false));
        assert_eq!(taken(format!("assignedTo('{id}')")), (principal, false));
        assert_eq!(taken(format!("atScope() and assignedTo('{id}')")), (principal, true));
        let combined = format!("atScope() and principalId eq '{id}'");
        for other in [combined.as_str(), "roleDefinitionId eq 'x'", "principalId eq 'x'"] {
            assert_eq!(filter_of(other).unwrap_err().code, "UnsupportedQuery", "{other}");
        }
    }
}
