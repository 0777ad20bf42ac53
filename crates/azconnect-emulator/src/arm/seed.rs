//! What a seed says of a subscription beyond its id and name.

use std::time::Duration;

use azconnect_core::Error;
use uuid::Uuid;

use super::address::group_id;
use super::catalog::{region_named, size_named};
use super::group;
use super::refusal::{ErrorShape, Failure};
use super::roles::Assignment;
use super::state::{Quota, Registration, Restriction};
use crate::call::Moment;
use crate::seed::Node;
use crate::world::World;

/// The fields of a subscription that belong to Azure Resource Manager.
pub(crate) const FIELDS: [&str; 7] =
    ["state", "notRegistered", "resourceGroups", "roleAssignments", "quotas", "restrictedSizes", "acceptedTerms"];

/// Those fields, read.
#[derive(Default)]
pub(crate) struct AccountSeed {
    state: Option<String>,
    not_registered: Vec<String>,
    groups: Vec<(String, &'static str)>,
    assignments: Vec<AssignmentSeed>,
    quotas: Vec<Quota>,
    restrictions: Vec<Restriction>,
    terms: Vec<String>,
}

struct AssignmentSeed {
    path: String,
    /// A client id, or the object id of a service principal or user.
    principal: Uuid,
    role: String,
    group: Option<String>,
}

/// Reads the fields.
pub(crate) fn read(node: &Node<'_>) -> Result<AccountSeed, Error> {
    Ok(AccountSeed {
        state: node.maybe_text("state")?,
        not_registered: node.texts("notRegistered")?,
        groups: node.each("resourceGroups", |item| {
            item.only(&["name", "location"])?;
            Ok((item.required("name")?.text()?.to_owned(), location(item)?))
        })?,
        assignments: node.each("roleAssignments", |item| {
            item.only(&["principal", "role", "resourceGroup"])?;
            Ok(AssignmentSeed {
                path: item.wrong("", "").field().unwrap_or_default().to_owned(),
                principal: item.required("principal")?.guid()?,
                role: item.required("role")?.text()?.to_owned(),
                group: item.maybe_text("resourceGroup")?,
            })
        })?,
        quotas: node.each("quotas", |item| {
            item.only(&["location", "name", "limit"])?;
            Ok(Quota {
                location: location(item)?.to_owned(),
                name: item.required("name")?.text()?.to_owned(),
                limit: item.required("limit")?.number()?,
            })
        })?,
        restrictions: node.each("restrictedSizes", |item| {
            item.only(&["location", "size", "zones"])?;
            let size = item.required("size")?;
            let known = size_named(size.text()?)
                .ok_or_else(|| size.wrong("is not a size the emulator has", "use one that its SKU list has"))?;
            Ok(Restriction {
                location: location(item)?.to_owned(),
                size: known.name.to_owned(),
                zones: item.texts("zones")?,
            })
        })?,
        terms: node.texts("acceptedTerms")?,
    })
}

fn location(node: &Node<'_>) -> Result<&'static str, Error> {
    let location = node.required("location")?;
    let region = region_named(location.text()?).map(|region| region.name);
    region.ok_or_else(|| location.wrong("is not a region", "use one such as westeurope"))
}

/// Reads a scripted failure.
pub(crate) fn read_failure(node: &Node<'_>) -> Result<Failure, Error> {
    let mut failure = Failure::new(node.required("code")?.text()?);
    if let Some(status) = node.optional("status")? {
        let number = u16::try_from(status.number()?).ok().filter(|number| (400..600).contains(number));
        failure =
            failure.with_status(number.ok_or_else(|| status.wrong("is not a status of an error", "give 400 to 599"))?);
    }
    if let Some(message) = node.maybe_text("message")? {
        failure = failure.with_message(message);
    }
    if let Some(target) = node.maybe_text("target")? {
        failure = failure.with_target(target);
    }
    if let Some(shape) = node.optional("shape")? {
        let known = ErrorShape::named(shape.text()?).ok_or_else(|| {
            shape.wrong("is not a shape", "use wrapped, bare, capitalised, nested_json, status_failed, empty or html")
        })?;
        failure = failure.with_shape(known);
    }
    if let Some(pause) = node.optional("retryAfter")? {
        failure = failure.with_retry_after(Duration::from_secs(pause.number()?.into()));
    }
    if let Some(time) = node.optional("seconds")? {
        failure = failure.with_time(Duration::from_secs(time.number()?.into()));
    }
    if node.flag_or("inOperation", false)? {
        failure = failure.in_operation();
    }
    Ok(if node.flag_or("canceled", false)? { failure.canceled() } else { failure })
}

/// Sets a subscription up.
///
/// # Errors
/// Where it names a role or a principal there is not.
pub(crate) fn populate(world: &mut World, id: Uuid, seed: AccountSeed, now: Moment) -> Result<(), Error> {
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
        let new = group::new(&id.to_string(), &name, location, None, (now, None));
        world.arm.insert(new, None);
    }
    for assignment in seed.assignments {
        assign(world, id, &assignment, now)?;
    }
    let principals = world.directory.tenants.iter().flat_map(|tenant| &tenant.principals);
    let readers: Vec<Uuid> = principals.filter(|p| p.reader_of.contains(&id)).map(|p| p.object_id).collect();
    for principal in readers {
        let reader = AssignmentSeed { path: "seed".to_owned(), principal, role: "Reader".to_owned(), group: None };
        assign(world, id, &reader, now)?;
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
        name: crate::dice::named_guid(&format!("{principal}/{role}/{scope}")).to_string(),
        scope,
        role,
        principal,
        principal_type: if person { "User" } else { "ServicePrincipal" }.to_owned(),
        effective: now.elapsed,
        created: now.wall,
        by: None,
    });
    Ok(())
}
