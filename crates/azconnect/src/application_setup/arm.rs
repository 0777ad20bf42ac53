//! The group and the role of an application, at Azure Resource Manager.

use azconnect_arm::resource::access::{Permissions, RoleAssignment};
use azconnect_arm::resource::group::ResourceGroup;
use azconnect_arm::{Arm, Assigned, Assignment, Group, ResourceId, Role};
use azconnect_core::{Effect, Error, ErrorKind, PrincipalObjectId, Retry};
use azconnect_credential::Region;
use azconnect_setup::SubscriptionAccess;
use azconnect_setup::port::{Found, Given, Presence, Subject, Taken};
use serde_json::json;

use super::grants::lacking;

/// The tag that says which setup created a group.
const TAG: &str = "azconnect-setup";

fn group(arm: &Arm, access: &SubscriptionAccess) -> Result<Group, Error> {
    let wish = access.group.as_ref().ok_or_else(|| lacking("the name of a resource group"))?;
    Ok(arm.subscription(access.subscription).group(&wish.name))
}

/// The group, if it is there to stay.
async fn standing(arm: &Arm, access: &SubscriptionAccess) -> Result<Option<ResourceGroup>, Error> {
    let found = group(arm, access)?.handle().find().await?;
    let state = found.as_ref().and_then(|group| group.properties.provisioning_state.as_deref());
    if state.is_some_and(|state| state.eq_ignore_ascii_case("Deleting")) {
        return Err(Error::new(ErrorKind::Unavailable, "the resource group is being deleted")
            .with_effect(Effect::None)
            .with_retry(Retry::Backoff)
            .with_advice("wait until it is gone, or choose another name"));
    }
    Ok(found)
}

fn is_ours(group: &ResourceGroup, subject: &Subject) -> bool {
    group.tags.get(TAG).is_some_and(|tag| tag == subject.marker.as_str())
}

pub(super) async fn look_for_group(arm: &Arm, subject: &Subject, access: &SubscriptionAccess) -> Result<Found, Error> {
    Ok(Found::new(match standing(arm, access).await? {
        None => Presence::Absent,
        Some(group) if is_ours(&group, subject) => Presence::Ours,
        Some(_) => Presence::Present,
    }))
}

pub(super) async fn give_group(
    arm: &Arm,
    subject: &Subject,
    access: &SubscriptionAccess,
    create_in: Option<&Region>,
) -> Result<Given, Error> {
    // Looked at again before the write: a PUT would replace the tags of a group that somebody made meanwhile.
    if let Some(found) = standing(arm, access).await? {
        return Ok(if is_ours(&found, subject) { Given::now() } else { Given::before() });
    }
    let group = group(arm, access)?;
    let Some(region) = create_in else {
        return Err(Error::new(ErrorKind::NotFound, format!("the resource group {} is not there", group.name()))
            .with_effect(Effect::None)
            .with_field("access.group")
            .with_advice("create it, or name the region in which it is to be created"));
    };
    let body = json!({"location": region.as_str(), "tags": {TAG: subject.marker.as_str()}});
    group.handle().create(&body).await?.wait().await?;
    Ok(Given::now())
}

/// Deletes a group that this setup created, while nothing is in it.
pub(super) async fn take_group(arm: &Arm, subject: &Subject, access: &SubscriptionAccess) -> Result<Taken, Error> {
    let group = group(arm, access)?;
    let Some(found) = group.handle().find().await? else { return Ok(Taken::Gone) };
    if !is_ours(&found, subject) {
        return Ok(Taken::Left("it carries the tag of this setup no longer".to_owned()));
    }
    let inside = group.resources().await?;
    if !inside.is_empty() {
        let names: Vec<&str> = inside.iter().take(3).map(|resource| resource.name.as_str()).collect();
        return Ok(Taken::Left(format!("{} resources are in it by now, such as {}", inside.len(), names.join(", "))));
    }
    group.handle().delete().await?.wait().await?;
    Ok(Taken::Gone)
}

/// The assignment that a setup makes.
fn assignment(access: &SubscriptionAccess, principal: PrincipalObjectId) -> Assignment {
    let scope = match &access.group {
        Some(group) => ResourceId::of_group(access.subscription, &group.name),
        None => ResourceId::of_subscription(access.subscription),
    };
    Assignment::new(scope, Role::new(access.role.definition), principal)
}

fn of_subject(subject: &Subject, access: &SubscriptionAccess) -> Result<Assignment, Error> {
    Ok(assignment(access, subject.principal.ok_or_else(|| lacking("the service principal"))?))
}

pub(super) async fn look_for_role(arm: &Arm, subject: &Subject, access: &SubscriptionAccess) -> Result<Found, Error> {
    let wanted = of_subject(subject, access)?;
    let listed = match arm.roles_of(&wanted.scope, wanted.principal).await {
        // In a group that is not there yet nobody has a role.
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    let definition = access.role.definition.to_string();
    let same = |role: &&RoleAssignment| {
        let at = role.properties.scope.as_deref().unwrap_or_default();
        at.eq_ignore_ascii_case(wanted.scope.as_str()) && role.properties.role_definition_id.ends_with(&definition)
    };
    let mut same = listed.iter().filter(same).peekable();
    Ok(Found::new(match (same.peek().is_some(), same.any(|role| is_named(role, &wanted))) {
        (false, _) => Presence::Absent,
        // The name is derived from what is given to whom and where: nobody else chooses it.
        (true, true) => Presence::Ours,
        (true, false) => Presence::Present,
    }))
}

fn is_named(role: &RoleAssignment, wanted: &Assignment) -> bool {
    role.name.eq_ignore_ascii_case(&wanted.name().to_string())
}

pub(super) async fn give_role(arm: &Arm, subject: &Subject, access: &SubscriptionAccess) -> Result<Given, Error> {
    Ok(match arm.assign_role(&of_subject(subject, access)?).await? {
        Assigned::Before => Given::before(),
        _ => Given::now(),
    })
}

pub(super) async fn take_role(arm: &Arm, subject: &Subject, access: &SubscriptionAccess) -> Result<Taken, Error> {
    arm.remove_role(&of_subject(subject, access)?).await.map(|()| Taken::Gone)
}

/// The roles that somebody else gave a principal, where a setup gave it one.
pub(super) async fn foreign_roles(
    arm: &Arm,
    access: &SubscriptionAccess,
    principal: PrincipalObjectId,
) -> Result<Vec<String>, Error> {
    let own = assignment(access, principal);
    let listed = match arm.roles_of(&own.scope, principal).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    let others = listed.iter().filter(|role| !is_named(role, &own));
    Ok(others
        .map(|role| format!("a role at {}", role.properties.scope.as_deref().unwrap_or("another scope")))
        .collect())
}

pub(super) async fn may_create_group(arm: &Arm, access: &SubscriptionAccess) -> Result<Option<bool>, Error> {
    let scope = ResourceId::of_subscription(access.subscription);
    may(arm, &scope, "Microsoft.Resources/subscriptions/resourceGroups/write").await
}

pub(super) async fn may_give_role(arm: &Arm, access: &SubscriptionAccess) -> Result<Option<bool>, Error> {
    const ACTION: &str = "Microsoft.Authorization/roleAssignments/write";
    let above = ResourceId::of_subscription(access.subscription);
    match &access.group {
        Some(group) => match may(arm, &ResourceId::of_group(access.subscription, &group.name), ACTION).await {
            // What is still to be created has no permissions of its own; those above it hold.
            Err(error) if error.kind() == ErrorKind::NotFound => may(arm, &above, ACTION).await,
            asked => asked,
        },
        None => may(arm, &above, ACTION).await,
    }
}

async fn may(arm: &Arm, scope: &ResourceId, action: &str) -> Result<Option<bool>, Error> {
    let roles: Vec<Permissions> = arm.permissions(scope).await?;
    Ok(Some(roles.iter().any(|role| role.allows(action))))
}
