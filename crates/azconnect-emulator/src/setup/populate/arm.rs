//! Sets subscriptions up as a seed says.

use azconnect_core::Error;
use uuid::Uuid;

use crate::base::dice::named_guid;
use crate::base::moment::Moment;
use crate::model::arm::account::Registration;
use crate::model::arm::address::group_id;
use crate::model::arm::resource::Resource;
use crate::model::arm::roles::{Assignment, Terms};
use crate::model::world::World;
use crate::setup::seed::arm::{AccountSeed, AssignmentSeed};

/// Sets a subscription up.
///
/// # Errors
/// Where it names a role or a principal there is not.
pub(crate) fn populate(world: &mut World, id: Uuid, seed: AccountSeed, now: Moment) -> Result<(), Error> {
    world.arm.agents.extend(seed.machines);
    let account = world.arm.account(id);
    if let Some(state) = seed.state {
        account.state = state;
    }
    for namespace in seed.not_registered {
        account.providers.insert(namespace.to_ascii_lowercase(), Registration::NotRegistered);
    }
    account.quotas.extend(seed.quotas);
    account.restrictions.extend(seed.restrictions);
    account.terms.extend(seed.terms.iter().map(|terms| terms.to_ascii_lowercase()));
    for (name, location) in seed.groups {
        let new = Resource::group(&id.to_string(), &name, location, now, None);
        world.arm.insert(new, None);
    }
    for assignment in seed.assignments {
        assign(world, id, &assignment, now)?;
    }
    Ok(())
}

fn assign(world: &mut World, id: Uuid, seed: &AssignmentSeed, now: Moment) -> Result<(), Error> {
    let wrong = |what: &str, remedy: &str| {
        Error::invalid(seed.path.clone(), format!("{} names {what}", seed.path)).with_advice(remedy)
    };
    let role = world.arm.roles.definition(&seed.role).map(|definition| definition.id);
    let role =
        role.ok_or_else(|| wrong("a role there is not", "use Owner, Contributor, Reader, or the id of a role"))?;
    let directory = &world.directory;
    let by_client =
        directory.tenants.iter().find_map(|tenant| tenant.principal_of(seed.principal)).map(|p| p.object_id);
    let known = directory.principal(seed.principal).is_some() || directory.user(seed.principal).is_some();
    let principal = by_client.or_else(|| known.then_some(seed.principal)).ok_or_else(|| {
        wrong("a principal there is not", "use the client id of an application, or an object id of the seed")
    })?;
    let subscription = id.to_string();
    let scope = match &seed.group {
        Some(group) => group_id(&subscription, group),
        None => format!("/subscriptions/{subscription}"),
    };
    let person = directory.user(principal).is_some();
    world.arm.roles.assignments.push(Assignment {
        name: named_guid(&format!("{principal}/{role}/{scope}")).to_string(),
        scope,
        role,
        principal,
        principal_type: if person { "User" } else { "ServicePrincipal" }.to_owned(),
        effective: now.elapsed,
        created: now.wall,
        by: None,
        terms: Terms::default(),
    });
    Ok(())
}
