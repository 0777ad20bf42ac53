//! Which actions a machine needs.

use crate::spec::{NetworkChoice, VmSpec};

/// The action by which an interface is attached to a subnet, at the scope of the network.
pub(super) const JOIN_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/join/action";

/// The action by which an interface is put under a network security group, at the scope of that one.
pub(super) const JOIN_SECURITY_GROUP: &str = "Microsoft.Network/networkSecurityGroups/join/action";

/// The action by which the agent is probed, unless the caller has a probe of its own.
pub(super) const RUN_COMMAND: &str = "Microsoft.Compute/virtualMachines/runCommands/write";

/// What every machine needs.
const ALWAYS: [&str; 12] = [
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

/// What a resource group of its own needs.
const GROUP: [&str; 2] = [
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Resources/subscriptions/resourceGroups/delete",
];

/// What a network security group of its own needs.
const SECURITY_GROUP: [&str; 3] = [
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/write",
    "Microsoft.Network/networkSecurityGroups/delete",
];

/// What a network of its own needs.
const NETWORK: [&str; 4] = [
    JOIN_SUBNET,
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/write",
    "Microsoft.Network/virtualNetworks/delete",
];

/// What a public address needs.
const PUBLIC_ADDRESS: [&str; 4] = [
    "Microsoft.Network/publicIPAddresses/read",
    "Microsoft.Network/publicIPAddresses/write",
    "Microsoft.Network/publicIPAddresses/join/action",
    "Microsoft.Network/publicIPAddresses/delete",
];

/// The actions that a machine with a network, a security group and a public address of its own needs, from its first write to
/// its removal: what to ask of a role before anybody says which machine it will be. `creates_group` says whether it gets a resource
/// group of its own as well.
pub fn machine_actions(creates_group: bool) -> Vec<&'static str> {
    let mut actions = ALWAYS.to_vec();
    if creates_group {
        actions.extend(GROUP);
    }
    actions.extend(SECURITY_GROUP);
    actions.extend(NETWORK);
    actions.extend(PUBLIC_ADDRESS);
    actions
}

/// The actions that provisioning and cleaning up need in the group. `creates_group` says whether the group has to be created.
pub(super) fn needed(spec: &VmSpec, creates_group: bool) -> Vec<&'static str> {
    let mut actions = ALWAYS.to_vec();
    if creates_group {
        actions.extend(GROUP);
    }
    if spec.security_group.is_none() {
        actions.extend(SECURITY_GROUP);
    }
    if matches!(spec.network, NetworkChoice::Create { .. }) {
        actions.extend(NETWORK);
    }
    if spec.public_ip {
        actions.extend(PUBLIC_ADDRESS);
    }
    if spec.agent.as_ref().is_some_and(|agent| agent.extension_script().is_some()) {
        actions.push("Microsoft.Compute/virtualMachines/extensions/write");
    }
    actions
}
