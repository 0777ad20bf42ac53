//! Roles: what they allow, to whom, and where.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::address::{same, within};
use crate::base::dice::named_guid;
use crate::base::moment::Moment;

/// A role: the actions that it allows, and where it may be assigned.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) actions: Vec<String>,
    pub(crate) not_actions: Vec<String>,
    pub(crate) data_actions: Vec<String>,
    pub(crate) not_data_actions: Vec<String>,
    /// Where it may be assigned; a built-in role has `/`.
    pub(crate) scopes: Vec<String>,
}

/// A role given to a principal at a scope.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) role: Uuid,
    pub(crate) principal: Uuid,
    pub(crate) principal_type: String,
    /// When it begins to have an effect.
    pub(crate) effective: Duration,
    pub(crate) created: OffsetDateTime,
    pub(crate) by: Option<Uuid>,
    pub(crate) terms: Terms,
}

/// What of an assignment may change afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Terms {
    pub(crate) description: Option<String>,
    /// Kept and shown. Nothing here has the data whose use a condition limits.
    pub(crate) condition: Option<String>,
    pub(crate) condition_version: Option<String>,
    pub(crate) delegated_identity: Option<String>,
}

/// All roles, and to whom they are given.
pub(crate) struct Roles {
    pub(crate) definitions: Vec<Definition>,
    pub(crate) assignments: Vec<Assignment>,
}

impl Default for Roles {
    fn default() -> Self {
        Self { definitions: BUILT_IN.iter().map(Definition::built_in).collect(), assignments: Vec::new() }
    }
}

impl Assignment {
    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", self.scope, self.name)
    }
}

impl Definition {
    fn built_in((id, name, description, actions, not_actions): &BuiltIn) -> Self {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            id: Uuid::from_u128(*id),
            name: (*name).to_owned(),
            description: (*description).to_owned(),
            actions: texts(actions),
            not_actions: texts(not_actions),
            data_actions: Vec::new(),
            not_data_actions: Vec::new(),
            scopes: vec!["/".to_owned()],
        }
    }

    pub(crate) fn is_built_in(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "/")
    }

    /// Whether the role allows an action, such as `Microsoft.Compute/virtualMachines/read`.
    pub(crate) fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }
}

impl Roles {
    /// Gives a role by its name to a service principal at a scope, from a moment on. A name of its own is made unless one is
    /// given.
    pub(crate) fn give(&mut self, role: &str, (principal, scope): (Uuid, &str), name: Option<Uuid>, at: Moment) {
        let Some(role) = self.definition(role).map(|definition| definition.id) else { return };
        let name = name.unwrap_or_else(|| named_guid(&format!("{principal}/{role}/{scope}")));
        self.assignments.push(Assignment {
            name: name.to_string(),
            scope: scope.to_owned(),
            role,
            principal,
            principal_type: "ServicePrincipal".to_owned(),
            effective: at.elapsed,
            created: at.wall,
            by: None,
            terms: Terms::default(),
        });
    }

    /// A role by its id, or by its name in any case.
    pub(crate) fn definition(&self, role: &str) -> Option<&Definition> {
        let id = Uuid::parse_str(role.rsplit('/').next().unwrap_or(role)).ok();
        self.definitions.iter().find(|definition| Some(definition.id) == id || same(&definition.name, role))
    }

    /// The roles of a principal at a scope, inherited ones included.
    pub(crate) fn effective<'a>(
        &'a self,
        principal: Uuid,
        scope: &'a str,
        now: Duration,
    ) -> impl Iterator<Item = &'a Definition> {
        let active = move |assignment: &&Assignment| {
            assignment.principal == principal && assignment.effective <= now && within(&assignment.scope, scope)
        };
        self.assignments
            .iter()
            .filter(active)
            .filter_map(|assignment| self.definitions.iter().find(|definition| definition.id == assignment.role))
    }

    /// Whether a principal may do something at a scope. What one role excludes, another may allow.
    pub(crate) fn allow(&self, principal: Uuid, action: &str, scope: &str, now: Duration) -> bool {
        self.effective(principal, scope, now).any(|definition| definition.allows(action))
    }

    /// Whether a principal has any role at a scope, above it or below it: then it may know that the scope exists.
    pub(crate) fn touch(&self, principal: Uuid, scope: &str, now: Duration) -> bool {
        self.assignments.iter().any(|assignment| {
            assignment.principal == principal
                && assignment.effective <= now
                && (within(scope, &assignment.scope) || within(&assignment.scope, scope))
        })
    }
}

/// Whether a pattern with wildcards covers an action, in any case.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// The id, name, description, allowed actions and excluded actions of a role.
type BuiltIn = (u128, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// The roles that every directory has, as far as they matter here.
const BUILT_IN: &[BuiltIn] = &[
    (
        0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635,
        "Owner",
        "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
        &["*"],
        &[],
    ),
    (
        0xb24988ac_6180_42a0_ab88_20f7382dd24c,
        "Contributor",
        "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
        &["*"],
        &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ],
    ),
    (
        0xacdd72a7_3385_48ef_bd42_f606fba81ae7,
        "Reader",
        "View all resources, but does not allow you to make any changes.",
        &["*/read"],
        &[],
    ),
    (
        0x18d7d88d_d35e_4fb5_a5c3_7773c20a72d9,
        "User Access Administrator",
        "Lets you manage user access to Azure resources.",
        &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        &[],
    ),
    (
        0xf58310d9_a9f6_439a_9e8d_f62e7b41a168,
        "Role Based Access Control Administrator",
        "Manage access to Azure resources by assigning roles using Azure RBAC.",
        &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        &[],
    ),
    (
        0x9980e02c_c2be_4d73_94e8_173b1dc7cf3c,
        "Virtual Machine Contributor",
        "Lets you manage virtual machines, but not access to them, and not the virtual network or storage account they're connected to.",
        &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Compute/availabilitySets/*",
            "Microsoft.Compute/locations/*",
            "Microsoft.Compute/virtualMachines/*",
            "Microsoft.Compute/virtualMachineScaleSets/*",
            "Microsoft.Compute/cloudServices/*",
            "Microsoft.Compute/disks/write",
            "Microsoft.Compute/disks/read",
            "Microsoft.Compute/disks/delete",
            "Microsoft.Network/locations/*",
            "Microsoft.Network/networkInterfaces/*",
            "Microsoft.Network/networkSecurityGroups/join/action",
            "Microsoft.Network/networkSecurityGroups/read",
            "Microsoft.Network/publicIPAddresses/join/action",
            "Microsoft.Network/publicIPAddresses/read",
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.SerialConsole/serialPorts/connect/action",
            "Microsoft.Support/*",
        ],
        &[],
    ),
    (
        0x4d97b98b_1d4f_4787_a291_c67834d212e7,
        "Network Contributor",
        "Lets you manage networks, but not access to them.",
        &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Network/*",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
        ],
        &[],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_any_depth_in_any_case() {
        assert!(matches("*", "Microsoft.Compute/virtualMachines/write"));
        assert!(matches("*/read", "microsoft.compute/virtualmachines/READ"));
        assert!(matches("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write"));
        assert!(matches("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachines/start/action"));
        assert!(!matches("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/disks/write"));
        assert!(!matches("Microsoft.Compute/disks/read", "Microsoft.Compute/disks/read/more"));
        assert!(!matches("a*a", "a"));
    }

    #[test]
    fn contributor_cannot_give_roles_and_owner_can() {
        let roles = Roles::default();
        let write = "Microsoft.Authorization/roleAssignments/write";
        assert!(!roles.definition("contributor").unwrap().allows(write));
        assert!(roles.definition("Contributor").unwrap().allows("Microsoft.Compute/virtualMachines/write"));
        assert!(roles.definition("8e3af657-a8ff-443c-a75c-2fe8c4bcb635").unwrap().allows(write));
    }

    #[test]
    fn a_role_reaches_below_its_scope_and_not_beside_it() {
        let principal = Uuid::from_u128(7);
        let mut roles = Roles::default();
        roles.assignments.push(Assignment {
            name: "x".to_owned(),
            scope: "/subscriptions/s/resourceGroups/a".to_owned(),
            role: roles.definition("Contributor").unwrap().id,
            principal,
            principal_type: "ServicePrincipal".to_owned(),
            effective: Duration::from_secs(5),
            created: OffsetDateTime::UNIX_EPOCH,
            by: None,
            terms: Terms::default(),
        });
        let may = |scope: &str, at: u64| {
            roles.allow(principal, "Microsoft.Compute/virtualMachines/write", scope, Duration::from_secs(at))
        };
        let machine = "/subscriptions/s/resourcegroups/A/providers/Microsoft.Compute/virtualMachines/m";
        assert!(may(machine, 5));
        assert!(!may(machine, 4));
        assert!(!may("/subscriptions/s/resourceGroups/b", 9));
        assert!(roles.touch(principal, "/subscriptions/s", Duration::from_secs(9)));
    }
}
