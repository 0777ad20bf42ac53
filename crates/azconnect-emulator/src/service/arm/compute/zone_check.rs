//! The zones of a machine, and of the public addresses that it is reached by.

use serde_json::Value;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::world::World;
use crate::service::arm::context::Context;

/// Refuses a machine of one zone with a public address that is bound to others. One of all zones fits every machine.
pub(crate) fn check(cx: &Context<'_>, world: &World, machine: &str) -> OrRefusal<()> {
    let zones = texts(cx.at("/zones"));
    let interfaces = cx.at("/properties/networkProfile/networkInterfaces").and_then(Value::as_array);
    for interface in interfaces.into_iter().flatten() {
        let id = interface.get("id").and_then(Value::as_str).unwrap_or_default();
        let configurations = world.arm.get(id).and_then(|nic| nic.at("properties/ipConfigurations")?.as_array());
        for configuration in configurations.into_iter().flatten() {
            let address = configuration.pointer("/properties/publicIPAddress/id").and_then(Value::as_str);
            let bound = address.and_then(|id| texts(world.arm.get(id)?.document.get("zones")).into());
            let bound: Vec<&str> = bound.unwrap_or_default();
            if bound.is_empty() || zones.iter().all(|zone| bound.contains(zone)) {
                continue;
            }
            return Err(Refusal::new(
                400,
                "ComputeResourceZoneConstraintDoesNotMatchPublicIPAddressZoneConstraint",
                format!(
                    "Compute resource {machine} has a zone constraint {} but the PublicIPAddress {} used by the compute resource via NetworkInterface or LoadBalancer has a different zone constraint {}.",
                    zones.join(", "),
                    address.unwrap_or_default(),
                    bound.join(", ")
                ),
            ));
        }
    }
    Ok(())
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
