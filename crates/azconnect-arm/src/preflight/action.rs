//! Which actions a machine needs.

use crate::spec::{NetworkChoice, VmSpec};

/// The action by which an interface is attached to a subnet, at the scope of the network.
pub(super) const JOIN_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/join/action";

/// The action by which an interface is put under a network security group, at the scope of that one.
pub(super) const JOIN_SECURITY_GROUP: &str = "Microsoft.Network/networkSecurityGroups/join/action";

/// The action by which the agent is probed, unless the caller has a probe of its own.
pub(super) const RUN_COMMAND: &str = "Microsoft.Compute/virtualMachines/runCommands/write";

/// The actions that provisioning and cleaning up need in the group. `creates_group` says whether the group has to be created.
pub(super) fn needed(spec: &VmSpec, creates_group: bool) -> Vec<&'static str> {
    let mut actions = vec![
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        JOIN_SECURITY_GROUP,
        "Microsoft.Network/networkInterfaces/read",
        "Microsoft.Network/networkInterfaces/write",
        "Microsoft.Network/networkInterfaces/join/action",
        "Microsoft.Network/networkInterfaces/delete",
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Compute/virtualMachines/write",
        "Microsoft.Compute/virtualMachines/delete",
        "Microsoft.Compute/disks/read",
        "Microsoft.Compute/disks/write",
        "Microsoft.Compute/disks/delete",
    ];
    if creates_group {
        actions.push("Microsoft.Resources/subscriptions/resourceGroups/write");
        actions.push("Microsoft.Resources/subscriptions/resourceGroups/delete");
    }
    if spec.security_group.is_none() {
        actions.push("Microsoft.Network/networkSecurityGroups/read");
        actions.push("Microsoft.Network/networkSecurityGroups/write");
        actions.push("Microsoft.Network/networkSecurityGroups/delete");
    }
    if matches!(spec.network, NetworkChoice::Create { .. }) {
        actions.push(JOIN_SUBNET);
        actions.push("Microsoft.Network/virtualNetworks/read");
        actions.push("Microsoft.Network/virtualNetworks/write");
        actions.push("Microsoft.Network/virtualNetworks/delete");
    }
    if spec.public_ip {
        actions.push("Microsoft.Network/publicIPAddresses/read");
        actions.push("Microsoft.Network/publicIPAddresses/write");
        actions.push("Microsoft.Network/publicIPAddresses/join/action");
        actions.push("Microsoft.Network/publicIPAddresses/delete");
    }
    if spec.agent.as_ref().is_some_and(|agent| agent.extension_script().is_some()) {
        actions.push("Microsoft.Compute/virtualMachines/extensions/write");
    }
    actions
}
