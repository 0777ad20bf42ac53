//! The facts that stand in the texts of refusals.

use azconnect_core::TenantId;

/// The text in single quotes that follows a marker, unless it is empty or longer than 600 bytes.
pub(super) fn quoted_after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    let rest = text.split_once(marker)?.1;
    let quoted = rest.trim_start().strip_prefix('\'')?.split_once('\'')?.0;
    (!quoted.is_empty() && quoted.len() <= 600).then_some(quoted)
}

/// The action and the scope of a missing permission. For a linked resource, those at the linked scope.
pub(crate) fn missing_permission(message: &str) -> Option<(&str, &str)> {
    // A message about a linked resource first says what is allowed, then `however`, then what is missing.
    let side = message.find("however").and_then(|at| message.get(at..)).unwrap_or(message);
    let action = ["perform action(s)", "perform action"].into_iter().find_map(|marker| quoted_after(side, marker))?;
    let scope = ["over scope", "on the linked scope(s)", "on the linked scope", "on scope"]
        .into_iter()
        .find_map(|marker| quoted_after(side, marker))?;
    // A service may quote anything there, also what was sent to it: only what looks like an action and a scope is passed on.
    let named = |text: &str, others: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    (action.contains('/') && named(action, "./*-_") && scope.starts_with('/') && named(scope, "./-_()"))
        .then_some((action, scope))
}

/// The tenant that a token must come from: the first GUID after `must match`.
pub(super) fn right_tenant(message: &str) -> Option<TenantId> {
    let rest = message.split_once("must match")?.1;
    rest.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find_map(|word| word.parse().ok())
}

/// The namespace of the resource provider that a text names, such as `Microsoft.Compute`.
pub(super) fn namespace(message: &str) -> Option<&str> {
    let quoted = quoted_after(message, "namespace").or_else(|| quoted_after(message, "resource provider"))?;
    // It becomes part of a command that an administrator runs.
    let plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    plain.then_some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_read() {
        let text = "The client 'x' with object id 'y' does not have authorization to perform action \
            'Microsoft.Compute/virtualMachines/write' over scope '/subscriptions/s/resourceGroups/g' or the scope is invalid.";
        assert_eq!(
            missing_permission(text),
            Some(("Microsoft.Compute/virtualMachines/write", "/subscriptions/s/resourceGroups/g"))
        );
    }

    #[test]
    fn of_a_linked_permission_the_linked_side_is_read() {
        let text = "The client has permission to perform action 'Microsoft.Network/networkInterfaces/write' on scope '/a'; \
            however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' \
            on the linked scope(s) '/b' (respectively) or the linked scope(s) are invalid.";
        assert_eq!(missing_permission(text), Some(("Microsoft.Network/virtualNetworks/subnets/join/action", "/b")));
    }

    #[test]
    fn the_right_tenant_is_the_one_that_must_match() {
        let text = "The access token is from the wrong issuer 'https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/'. \
            It must match the tenant 'https://sts.windows.net/88d52eb9-4040-4847-b7f2-0d5eeef9cf39/' associated with";
        assert_eq!(right_tenant(text).unwrap().to_string(), "88d52eb9-4040-4847-b7f2-0d5eeef9cf39");
    }

    #[test]
    fn a_namespace_that_could_end_a_command_is_not_read() {
        assert_eq!(namespace("not registered to use namespace 'Microsoft.Compute'."), Some("Microsoft.Compute"));
        assert_eq!(namespace("namespace 'x; rm -rf /'"), None);
    }
}
