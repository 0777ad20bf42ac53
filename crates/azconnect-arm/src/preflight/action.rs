//! Which actions a machine needs, and whether a role allows them.

use crate::resource::access::Permissions;
use crate::spec::{NetworkChoice, VmSpec};

/// The actions that provisioning and cleaning up need. `creates_group` says whether the group has to be created.
pub(super) fn needed(spec: &VmSpec, creates_group: bool) -> Vec<&'static str> {
    let mut actions = vec![
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Network/networkSecurityGroups/join/action",
        "Microsoft.Network/networkInterfaces/read",
        "Microsoft.Network/networkInterfaces/write",
        "Microsoft.Network/networkInterfaces/join/action",
        "Microsoft.Network/networkInterfaces/delete",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
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
    if spec.agent.is_some() {
        actions.push("Microsoft.Compute/virtualMachines/extensions/write");
        actions.push("Microsoft.Compute/virtualMachines/runCommands/write");
    }
    actions
}

/// Whether one of the roles lists an action in `actions` and not in its own `not_actions`.
pub(super) fn allowed(permissions: &[Permissions], action: &str) -> bool {
    // Role by role: what one role leaves out, another may still allow.
    permissions.iter().any(|role| {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(&role.actions) && !any(&role.not_actions)
    })
}

/// Whether a pattern, in which `*` stands for anything, covers an action. Case does not matter.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| action.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn role(actions: &[&str], not_actions: &[&str]) -> Permissions {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Permissions { actions: list(actions), not_actions: list(not_actions), ..Permissions::default() }
    }

    #[test]
    fn wildcards_stand_anywhere() {
        assert!(matches("*", "a/b/write"));
        assert!(matches("*/read", "a/b/read"));
        assert!(matches("Microsoft.Compute/*/Write", "microsoft.compute/virtualMachines/write"));
        assert!(!matches("*/read", "a/b/write"));
        assert!(!matches("a/b", "a/b/c"));
        assert!(!matches("a/*/c", "a/c"));
    }

    #[test]
    fn what_one_role_takes_away_another_may_give() {
        let contributor = role(&["*"], &["Microsoft.Authorization/*/Write"]);
        let action = "Microsoft.Authorization/roleAssignments/write";
        assert!(!allowed(std::slice::from_ref(&contributor), action));
        assert!(allowed(&[contributor, role(&["Microsoft.Authorization/roleAssignments/*"], &[])], action));
        assert!(!allowed(&[], action));
    }

    proptest! {
        #[test]
        fn a_star_at_any_place_still_covers(action in "[a-z/]{1,20}", at in 0_usize..20) {
            let at = at.min(action.len());
            let pattern = format!("{}*{}", &action[..at], &action[at..]);
            prop_assert!(matches(&pattern, &action));
        }
    }
}
