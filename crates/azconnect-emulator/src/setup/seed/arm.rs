//! What a seed says of a subscription beyond its id and name.

use std::time::Duration;

use azconnect_core::Error;
use uuid::Uuid;

use super::node::Node;
use crate::base::call::Moment;
use crate::base::refusal::{ErrorShape, Failure};
use crate::base::settings::resource_manager::{ArmSettings, RetryAfter};
use crate::model::arm::address::group_id;
use crate::model::arm::agent::{AgentOutcome, AgentScript};
use crate::model::arm::offers::{region_named, size_named};
use crate::model::arm::roles::Assignment;
use crate::model::arm::{Quota, Registration, Restriction};
use crate::model::world::World;
use crate::service::arm::resources::group;

/// The fields of a subscription that belong to Azure Resource Manager.
pub(crate) const FIELDS: [&str; 8] = [
    "machines",
    "state",
    "notRegistered",
    "resourceGroups",
    "roleAssignments",
    "quotas",
    "restrictedSizes",
    "acceptedTerms",
];

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
    machines: Vec<(String, AgentScript)>,
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
        machines: node.each("machines", read_machine)?,
    })
}

/// Reads what happens inside machines.
fn read_machine(node: &Node<'_>) -> Result<(String, AgentScript), Error> {
    node.only(&["name", "bootSeconds", "runSeconds", "exitCode", "never", "output"])?;
    let outcome = match node.optional("exitCode")? {
        _ if node.flag_or("never", false)? => AgentOutcome::Never,
        Some(code) => match i32::try_from(code.number()?) {
            Ok(0) => AgentOutcome::Succeeds,
            Ok(code) if code < 256 => AgentOutcome::Fails(code),
            _ => return Err(code.wrong("is no exit code", "give a number from 0 to 255")),
        },
        None => AgentOutcome::Succeeds,
    };
    let script = AgentScript::new(outcome)
        .with_boot(seconds(node, "bootSeconds", Duration::ZERO)?)
        .with_run(seconds(node, "runSeconds", Duration::ZERO)?)
        .with_output(node.maybe_text("output")?.unwrap_or_default());
    Ok((node.maybe_text("name")?.unwrap_or_default(), script))
}

fn seconds(node: &Node<'_>, field: &str, absent: Duration) -> Result<Duration, Error> {
    node.optional(field)?.map_or(Ok(absent), |value| value.number().map(|number| Duration::from_secs(number.into())))
}

/// Reads the settings of Azure Resource Manager; what is left out is as by default.
pub(crate) fn read_settings(node: &Node<'_>) -> Result<ArmSettings, Error> {
    node.only(&[
        "operationSeconds",
        "retryAfterSeconds",
        "readLagSeconds",
        "listLagSeconds",
        "roleLagSeconds",
        "principalLagSeconds",
        "throttling",
        "pageSize",
        "skuInflation",
    ])?;
    let mut settings = ArmSettings::default()
        .with_read_lag(seconds(node, "readLagSeconds", Duration::ZERO)?)
        .with_list_lag(seconds(node, "listLagSeconds", Duration::ZERO)?)
        .with_role_lag(seconds(node, "roleLagSeconds", Duration::ZERO)?)
        .with_principal_lag(seconds(node, "principalLagSeconds", Duration::ZERO)?);
    if node.optional("operationSeconds")?.is_some() {
        settings = settings.with_all_durations(seconds(node, "operationSeconds", Duration::ZERO)?);
    }
    if node.optional("retryAfterSeconds")?.is_some() {
        let pause = seconds(node, "retryAfterSeconds", Duration::ZERO)?;
        settings = settings.with_retry_after(RetryAfter::Fixed(pause));
    }
    if node.flag_or("throttling", false)? {
        settings = settings.with_throttling();
    }
    let number = |field: &str| -> Result<Option<usize>, Error> {
        let number = node.optional(field)?.map(|value| value.number()).transpose()?;
        Ok(number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    };
    if let Some(items) = number("pageSize")? {
        settings = settings.with_page_size(items);
    }
    if let Some(times) = number("skuInflation")? {
        settings = settings.with_sku_inflation(times);
    }
    Ok(settings)
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
        name: crate::base::dice::named_guid(&format!("{principal}/{role}/{scope}")).to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::settings::resource_manager::OperationKind;

    #[test]
    fn settings_are_read_and_what_is_left_out_is_as_by_default() {
        let node = Node::document("x", r#"{"operationSeconds": 2, "retryAfterSeconds": 1, "pageSize": 7}"#).unwrap();
        let settings = read_settings(&node).unwrap();
        assert_eq!(settings.duration(OperationKind::MachineCreate), Duration::from_secs(2));
        assert_eq!(settings.first_pause(OperationKind::MachineCreate), Some(1));
        assert_eq!((settings.page_size, settings.throttling), (7, false));
        let empty = read_settings(&Node::document("x", "{}").unwrap()).unwrap();
        assert_eq!(empty.duration(OperationKind::MachineCreate), Duration::from_secs(43));
        let odd = Node::document("x", r#"{"speed": 1}"#).unwrap();
        assert_eq!(read_settings(&odd).unwrap_err().field(), Some("x.speed"));
    }

    #[test]
    fn failures_are_read_whole() {
        let text = r#"{"kind": "fail", "code": "AllocationFailed", "status": 400, "inOperation": true, "seconds": 9}"#;
        let failure = read_failure(&Node::document("x", text).unwrap()).unwrap();
        let expected =
            Failure::new("AllocationFailed").with_status(400).in_operation().with_time(Duration::from_secs(9));
        assert_eq!(failure, expected);
        let wrong = Node::document("x", r#"{"code": "X", "status": 200}"#).unwrap();
        assert_eq!(read_failure(&wrong).unwrap_err().field(), Some("x.status"));
    }
}
