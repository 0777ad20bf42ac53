//! What a seed says of a subscription beyond its id and name.

use std::time::Duration;

use uuid::Uuid;

use super::fault::SeedFault;
use super::node::Node;
use crate::base::refusal::ErrorShape;
use crate::base::settings::resource_manager::{ArmSettings, RetryAfter};
use crate::model::arm::account::{Quota, Restriction};
use crate::model::arm::agent::{AgentOutcome, AgentScript};
use crate::model::arm::failure::Failure;
use crate::model::arm::offers::{region_named, size_named};

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

/// What a seed says of a subscription at Azure Resource Manager.
#[derive(Default)]
pub(crate) struct AccountSeed {
    pub(crate) state: Option<String>,
    pub(crate) not_registered: Vec<String>,
    pub(crate) groups: Vec<(String, &'static str)>,
    pub(crate) assignments: Vec<AssignmentSeed>,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) restrictions: Vec<Restriction>,
    pub(crate) terms: Vec<String>,
    pub(crate) machines: Vec<(String, AgentScript)>,
}

pub(crate) struct AssignmentSeed {
    pub(crate) path: String,
    /// A client id, or the object id of a service principal or user.
    pub(crate) principal: Uuid,
    pub(crate) role: String,
    pub(crate) group: Option<String>,
}

/// Reads what a subscription may do from the fields of its seed.
pub(crate) fn read(node: &Node<'_>) -> Result<AccountSeed, SeedFault> {
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
                path: item.path().to_owned(),
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
fn read_machine(node: &Node<'_>) -> Result<(String, AgentScript), SeedFault> {
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

fn seconds(node: &Node<'_>, field: &str, absent: Duration) -> Result<Duration, SeedFault> {
    node.optional(field)?.map_or(Ok(absent), |value| value.number().map(|number| Duration::from_secs(number.into())))
}

/// Reads the settings of Azure Resource Manager; what is left out is as by default.
pub(crate) fn read_settings(node: &Node<'_>) -> Result<ArmSettings, SeedFault> {
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
    let number = |field: &str| -> Result<Option<usize>, SeedFault> {
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

fn location(node: &Node<'_>) -> Result<&'static str, SeedFault> {
    let location = node.required("location")?;
    let region = region_named(location.text()?).map(|region| region.name);
    region.ok_or_else(|| location.wrong("is not a region", "use one such as westeurope"))
}

/// Reads a scripted failure from the fields of a fault.
pub(crate) fn read_failure(node: &Node<'_>) -> Result<Failure, SeedFault> {
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
        assert_eq!(read_settings(&odd).unwrap_err().path(), "x.speed");
    }

    #[test]
    fn failures_are_read_whole() {
        let text = r#"{"kind": "fail", "code": "AllocationFailed", "status": 400, "inOperation": true, "seconds": 9}"#;
        let failure = read_failure(&Node::document("x", text).unwrap()).unwrap();
        let expected =
            Failure::new("AllocationFailed").with_status(400).in_operation().with_time(Duration::from_secs(9));
        assert_eq!(failure, expected);
        let wrong = Node::document("x", r#"{"code": "X", "status": 200}"#).unwrap();
        assert_eq!(read_failure(&wrong).unwrap_err().path(), "x.status");
    }
}
