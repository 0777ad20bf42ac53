//! Spot machines: what is refused of them, and how one is evicted.

use serde_json::Value;

use super::machine::{deleted, powered};
use crate::base::moment::Moment;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::arm::machine::Power;
use crate::model::arm::offers::Size;
use crate::model::arm::resource::Resource;
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::resource::require;

/// Whether a body or a machine is of the priority *Spot*, which was *Low* once.
pub(crate) fn is_spot(priority: Option<&str>) -> bool {
    priority.is_some_and(|priority| same(priority, "Spot") || same(priority, "Low"))
}

/// Whether a machine uses Spot capacity.
pub(crate) fn is_spot_machine(machine: &Resource) -> bool {
    is_spot(machine.text("properties/priority"))
}

/// Refuses a Spot machine that cannot be one, and Spot's properties at any other.
pub(crate) fn check(cx: &Context<'_>, size: &Size) -> OrRefusal<()> {
    let priority = cx.text("/properties/priority");
    let eviction = cx.text("/properties/evictionPolicy");
    let price = cx.at("/properties/billingProfile/maxPrice");
    let refused = |code: &str, message: String| Err(Refusal::new(409, code, message));
    if !is_spot(priority) {
        return match (eviction, price) {
            (Some(_), _) => refused(
                "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines",
                "Eviction policy can be set only on Azure Spot Virtual Machines.".to_owned(),
            ),
            (_, Some(_)) => refused(
                "MaxPriceIsSupportedOnlyForAzureSpotVirtualMachines",
                "Max price is supported only for Azure Spot Virtual Machines.".to_owned(),
            ),
            _ => Ok(()),
        };
    }
    if !size.is_spot_capable() {
        let message = format!("Azure Spot is not supported for this VM size {}.", size.name);
        return refused("AzureSpotIsNotSupportedForThisVMSize", message);
    }
    let Some(price) = price else { return Ok(()) };
    let invalid = || {
        Refusal::new(
            400,
            "MaxPriceValueInvalid",
            "Max Price value invalid. The only supported values for max price are -1 or a decimal greater than zero.",
        )
    };
    let asked =
        price.as_f64().filter(|price| (*price + 1.0).abs() < f64::EPSILON || *price > 0.0).ok_or_else(invalid)?;
    let current = size.spot_price();
    if asked > 0.0 && asked < current {
        let message = format!(
            "Unable to perform operation 'Create VM' because the provided max price '{asked} USD' is lower than the current spot price '{current} USD' for VM size '{}'.",
            size.name
        );
        return refused("SpotPriceGreaterThanProvidedMaxPrice", message);
    }
    Ok(())
}

/// Takes the capacity of a Spot machine back, as a person may have the service do.
pub(crate) fn simulate_eviction(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Compute/virtualMachines/simulateEviction/action", id)?;
    let machine = require(world, id)?;
    if !is_spot_machine(machine) {
        let message = "Simulate Eviction is supported only for Azure Spot Virtual Machines.";
        return Err(Refusal::new(409, "OperationNotAllowed", message));
    }
    let id = machine.id.clone();
    evict(world, &id, cx.now);
    Ok(Reply::new(204, Value::Null))
}

/// Takes the capacity of a machine back: it is deallocated, or deleted with its disks.
pub(crate) fn evict(world: &mut World, id: &str, now: Moment) {
    let Some(machine) = world.arm.get(id) else { return };
    if machine.text("properties/evictionPolicy").is_some_and(|word| same(word, "Delete")) {
        deleted(world, id, now, None);
    } else {
        powered(world, id, Power::Deallocated, now);
    }
}
