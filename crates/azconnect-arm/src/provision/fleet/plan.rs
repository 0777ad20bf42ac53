//! The plan of a fleet: its foundation, and its machines.

use std::fmt;

use azconnect_core::{Error, SubscriptionId};
use serde::{Deserialize, Serialize};

use crate::provision::body::Ids;
use crate::provision::id::ProvisionId;
use crate::provision::part::Part;
use crate::provision::plan::ProvisionPlan;
use crate::provision::shown;
use crate::spec::{FleetSpec, GroupChoice, NetworkChoice, VmSpec};

/// What a fleet would create. `Display` prints it for a person. To make a plan has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetPlan {
    /// The name of the fleet, under which its foundation is journalled. Each machine is journalled under `FLEET/MACHINE`.
    pub id: ProvisionId,
    /// The plan of what the machines share: the resource group, the network and the network security group.
    pub foundation: ProvisionPlan,
    /// The plans of the machines.
    pub machines: Vec<ProvisionPlan>,
}

impl FleetPlan {
    /// A plan made without asking the service: the image's version and Trusted Launch stay open.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) as [`FleetSpec::check`]; for an id that leaves no room for the
    /// machines' names.
    pub fn new(id: ProvisionId, subscription: SubscriptionId, spec: FleetSpec) -> Result<Self, Error> {
        spec.check()?;
        let Some(first) = spec.machines.first() else { return Err(Error::invalid("machines", "are none")) };
        let foundation = foundation(id.clone(), subscription, &spec.name, first)?;
        let ids = Ids::of(&foundation)?;
        let machine = |machine: &VmSpec| {
            let mut own = machine.clone();
            // What is shared exists by then, and is neither changed nor deleted with one machine.
            own.group = GroupChoice::Existing(machine.group.name().clone());
            own.network = NetworkChoice::Existing(ids.subnet.clone());
            own.security_group = Some(ids.security_group.clone());
            own.rules.clear();
            ProvisionPlan::new(id.member(&machine.name)?, subscription, own)
        };
        let machines = spec.machines.iter().map(machine).collect::<Result<_, _>>()?;
        Ok(Self { id, foundation, machines })
    }
}

/// The plan of what is shared. Nothing of it but region, group, network, rules and tags is ever sent.
fn foundation(
    id: ProvisionId,
    subscription: SubscriptionId,
    name: &str,
    first: &VmSpec,
) -> Result<ProvisionPlan, Error> {
    let size = first.sizes.first().map(String::as_str).unwrap_or_default();
    let mut shared = VmSpec::new(name, &first.location, size, first.image.clone(), first.group.clone())?;
    shared.network = first.network.clone();
    shared.ipv6 = first.ipv6.clone();
    shared.security_group = first.security_group.clone();
    shared.rules = first.rules.clone();
    shared.tags = first.tags.clone();
    shared.on_failure = first.on_failure;
    shared.public_ip = false;
    let whole = ProvisionPlan::new(id, subscription, shared)?;
    Ok(ProvisionPlan { part: Part::Foundation, placements: Vec::new(), ..whole })
}

impl fmt::Display for FleetPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.foundation.spec;
        let count = match self.machines.len() {
            1 => "1 machine".to_owned(),
            count => format!("{count} machines"),
        };
        let mut lines = vec![
            format!("fleet {}: {count} in {}", self.id, spec.location),
            format!("  subscription {}", self.foundation.subscription),
            "what the machines share".to_owned(),
        ];
        lines.extend(shown::shared(&self.foundation));
        for machine in &self.machines {
            lines.push(format!("machine {}", machine.spec.name));
            lines.extend(shown::own(machine));
        }
        f.write_str(&shown::page(&lines))
    }
}
