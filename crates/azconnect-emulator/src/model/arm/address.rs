//! The path of a request, taken apart. Every comparison ignores case, as the service does.

use super::kind::ResourceKind;

/// A path below a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) subscription: String,
    pub(crate) group: Option<String>,
    /// What stands before the last `/providers/`: the scope of an authorization resource.
    pub(crate) scope: String,
    pub(crate) namespace: Option<String>,
    /// What follows the namespace, or the subscription or group where there is none.
    pub(crate) rest: Vec<String>,
}

/// Whether two texts are the same but for their case.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

impl Address {
    /// Takes a path apart. A path that is not below a subscription is none.
    pub(crate) fn parse(segments: &[String]) -> Option<Self> {
        let [first, subscription, below @ ..] = segments else { return None };
        if !same(first, "subscriptions") || subscription.is_empty() {
            return None;
        }
        let group = match below {
            [word, name, ..] if same(word, "resourceGroups") => Some(name.clone()),
            _ => None,
        };
        // The last one: an assignment of a role stands below a resource, whose own id has a `providers` already.
        let last = segments.iter().rposition(|segment| same(segment, "providers"));
        let (scope, namespace, rest) = match last {
            Some(at) if at >= 2 && at + 1 < segments.len() => {
                let scope = segments.get(..at).unwrap_or_default();
                (scope, segments.get(at + 1).cloned(), segments.get(at + 2..).unwrap_or_default())
            }
            _ => {
                let used = if group.is_some() { 4 } else { 2 };
                (segments.get(..used).unwrap_or_default(), None, segments.get(used..).unwrap_or_default())
            }
        };
        Some(Self {
            subscription: subscription.clone(),
            group,
            scope: format!("/{}", scope.join("/")),
            namespace,
            rest: rest.to_vec(),
        })
    }

    /// Takes the id of a resource or group apart.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        let segments: Vec<String> = id.strip_prefix('/')?.split('/').map(str::to_owned).collect();
        if segments.iter().any(String::is_empty) {
            return None;
        }
        Self::parse(&segments)
    }

    /// The rest as texts, to match against.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.rest.iter().map(String::as_str).collect()
    }

    pub(crate) fn is_provider(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_some_and(|own| same(own, namespace))
    }

    /// The kind and names of a resource in a group: `virtualNetworks/a/subnets/b` and the names `a`, `b`. The names are
    /// one fewer than the types where the path is a collection.
    pub(crate) fn kind(&self) -> Option<(ResourceKind, Vec<&str>)> {
        self.group.as_ref()?;
        self.kind_anywhere()
    }

    /// As [`Address::kind`], but the path need not name a group: it may be a collection of the whole subscription.
    pub(crate) fn kind_anywhere(&self) -> Option<(ResourceKind, Vec<&str>)> {
        let types: Vec<&str> = self.rest.iter().step_by(2).map(String::as_str).collect();
        let names: Vec<&str> = self.rest.iter().skip(1).step_by(2).map(String::as_str).collect();
        Some((ResourceKind::of(self.namespace.as_deref()?, &types)?, names))
    }

    /// The id of the group in the path, as messages and scopes write it.
    pub(crate) fn group_id(&self) -> Option<String> {
        Some(group_id(&self.subscription, self.group.as_deref()?))
    }
}

/// The id of a group.
pub(crate) fn group_id(subscription: &str, group: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}")
}

/// The id of a resource in a group.
pub(crate) fn resource_id(subscription: &str, group: &str, kind: ResourceKind, names: &[&str]) -> String {
    let mut id = format!("{}/providers/{}", group_id(subscription, group), kind.namespace());
    for (one, name) in kind.types().iter().zip(names) {
        id.push('/');
        id.push_str(one);
        id.push('/');
        id.push_str(name);
    }
    id
}

/// The key under which a resource is found: its id without regard to case.
pub(crate) fn key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// Whether two ids name the same resource.
pub(crate) fn same_id(a: &str, b: &str) -> bool {
    key(a) == key(b)
}

/// The last segment of an id.
pub(crate) fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The id without its last type and name.
pub(crate) fn parent_id(id: &str) -> &str {
    let shorter = id.rsplit_once('/').map_or(id, |(rest, _)| rest);
    shorter.rsplit_once('/').map_or(shorter, |(rest, _)| rest)
}

/// Whether an id is a scope, or lies below it.
pub(crate) fn within(scope: &str, id: &str) -> bool {
    let (scope, id) = (key(scope), key(id));
    id == scope || scope.is_empty() || id.strip_prefix(&scope).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<Address> {
        Address::of_id(path)
    }

    #[test]
    fn a_resource_names_its_kind_whatever_the_case() {
        let address =
            parse("/subscriptions/S/resourcegroups/g/PROVIDERS/microsoft.network/virtualnetworks/v/subnets/s").unwrap();
        assert_eq!(address.kind().unwrap(), (ResourceKind::Subnet, vec!["v", "s"]));
        assert_eq!(address.group.as_deref(), Some("g"));
    }

    #[test]
    fn an_authorization_resource_has_the_scope_before_it() {
        let address = parse(
            "/subscriptions/S/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m/providers/Microsoft.Authorization/permissions",
        )
        .unwrap();
        assert!(address.is_provider("microsoft.authorization"));
        assert_eq!(address.scope, "/subscriptions/S/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m");
        assert_eq!(address.parts(), ["permissions"]);
    }

    #[test]
    fn a_scope_holds_what_is_below_it_only() {
        assert!(within("/subscriptions/s/resourceGroups/a", "/subscriptions/s/resourcegroups/A/providers/x"));
        assert!(!within("/subscriptions/s/resourceGroups/a", "/subscriptions/s/resourceGroups/ab"));
        assert!(within("", "/subscriptions/s"));
    }

    #[test]
    fn ids_are_built_and_taken_apart() {
        let id = resource_id("s", "g", ResourceKind::Subnet, &["v", "n"]);
        assert_eq!(id, "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n");
        assert_eq!(parent_id(&id), "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v");
        assert_eq!(last(&id), "n");
    }
}
