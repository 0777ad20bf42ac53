//! Permissions, role definitions and role assignments: views.

use super::ResourceId;
use super::view::views;

views! {
    /// What one role allows the caller at a scope.
    Permissions {
        /// The actions that the role allows, such as `Microsoft.Compute/*/read`; `*` stands for anything.
        actions: Vec<String>,
        /// The actions that are left out of `actions`. Another role may still allow them.
        not_actions: Vec<String>,
        /// The actions on data that the role allows, such as reading a blob; in the same form.
        data_actions: Vec<String>,
        /// The actions that are left out of `data_actions`.
        not_data_actions: Vec<String>,
    }
    /// One role given to one principal at one scope.
    RoleAssignment {
        /// The resource id, which begins with the scope that the role was given at.
        id: String,
        /// The name, a GUID that whoever gave the role chose.
        name: String,
        /// The principal, the role and the scope.
        properties: RoleAssignmentProperties,
    }
    /// The principal, the role and the scope of a role assignment.
    RoleAssignmentProperties {
        /// The id of the role's definition, which ends with its GUID.
        role_definition_id: String,
        /// The object id of the principal.
        principal_id: String,
        /// The type of the principal: `ServicePrincipal`, `User` or `Group`.
        principal_type: Option<String>,
        /// The id of the scope at which the role holds.
        scope: Option<String>,
    }
    /// The definition of a role.
    RoleDefinition {
        /// The id that a role assignment names, which ends with `/roleDefinitions/GUID`.
        id: String,
        /// The GUID of the role, which is the same in every subscription for a built-in role.
        name: String,
        /// The display name, type and permissions of the role.
        properties: RoleDefinitionProperties,
    }
    /// The display name, type and permissions of a role.
    RoleDefinitionProperties {
        /// The display name, such as `Contributor`.
        role_name: String,
        /// The origin of the role: `BuiltInRole` or `CustomRole`.
        #[serde(rename(deserialize = "type"))]
        kind: Option<String>,
        /// The actions that the role allows.
        permissions: Vec<Permissions>,
    }
}

impl RoleAssignmentProperties {
    pub(crate) fn to_send(role_definition_id: String, principal_id: String, principal_type: &str) -> Self {
        Self { role_definition_id, principal_id, principal_type: Some(principal_type.to_owned()), scope: None }
    }
}

impl Permissions {
    /// Whether this role allows an action, such as `Microsoft.Compute/virtualMachines/write`. Case does not matter.
    pub fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }

    /// Whether this role allows an action on data, such as reading a blob. Case does not matter.
    pub fn allows_on_data(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, action));
        any(&self.data_actions) && !any(&self.not_data_actions)
    }
}

impl RoleAssignment {
    /// Whether the role holds at a scope: it was given there, or above it. One that was given below does not.
    pub fn holds_at(&self, scope: &ResourceId) -> bool {
        let given = self.properties.scope.as_deref().unwrap_or_default().trim_end_matches('/').to_ascii_lowercase();
        let scope = scope.as_str().to_ascii_lowercase();
        // The next part must begin there: `/subscriptions/s/resourceGroups/a` is not above `…/resourceGroups/ab`.
        match scope.strip_prefix(&given) {
            Some(rest) => self.properties.scope.is_some() && (rest.is_empty() || rest.starts_with('/')),
            // A management group holds subscriptions, and its id says nothing of which. Only a list at the scope, or below
            // it, can have it.
            None => given.starts_with("/providers/microsoft.management/"),
        }
    }
}

/// Whether one of the roles allows an action.
pub(crate) fn allowed(permissions: &[Permissions], action: &str) -> bool {
    // Role by role: what one role leaves out, another may still allow.
    permissions.iter().any(|role| role.allows(action))
}

/// Whether a pattern, in which `*` stands for anything, covers an action. Case does not matter.
fn covers(pattern: &str, action: &str) -> bool {
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
        assert!(covers("*", "a/b/write"));
        assert!(covers("*/read", "a/b/read"));
        assert!(covers("Microsoft.Compute/*/Write", "microsoft.compute/virtualMachines/write"));
        assert!(!covers("*/read", "a/b/write"));
        assert!(!covers("a/b", "a/b/c"));
        assert!(!covers("a/*/c", "a/c"));
    }

    #[test]
    fn what_one_role_takes_away_another_may_give() {
        let contributor = role(&["*"], &["Microsoft.Authorization/*/Write"]);
        let action = "Microsoft.Authorization/roleAssignments/write";
        assert!(!allowed(std::slice::from_ref(&contributor), action));
        assert!(allowed(&[contributor, role(&["Microsoft.Authorization/roleAssignments/*"], &[])], action));
        assert!(!allowed(&[], action));
    }

    #[test]
    fn a_role_given_above_holds_and_one_given_below_does_not() {
        let scope: ResourceId = "/subscriptions/s/resourceGroups/ab".parse().unwrap();
        let holds = |given: Option<&str>| {
            let properties = RoleAssignmentProperties { scope: given.map(str::to_owned), ..Default::default() };
            RoleAssignment { properties, ..Default::default() }.holds_at(&scope)
        };
        for above in ["/", "/subscriptions/S", "/subscriptions/s/resourcegroups/AB", MANAGEMENT] {
            assert!(holds(Some(above)), "{above}");
        }
        let machine = "/subscriptions/s/resourceGroups/ab/providers/Microsoft.Compute/virtualMachines/m";
        for elsewhere in [machine, "/subscriptions/s/resourceGroups/a", "/subscriptions/t"] {
            assert!(!holds(Some(elsewhere)), "{elsewhere}");
        }
        assert!(!holds(None));
    }

    const MANAGEMENT: &str = "/providers/Microsoft.Management/managementGroups/contoso";

    proptest! {
        #[test]
        fn a_star_at_any_place_still_covers(action in "[a-z/]{1,20}", at in 0_usize..20) {
            let at = at.min(action.len());
            let pattern = format!("{}*{}", &action[..at], &action[at..]);
            prop_assert!(covers(&pattern, &action));
        }
    }
}
