//! Who may do what with service connections, after the *Security namespace and permission reference*.

use uuid::Uuid;

use super::Organization;

/// The security namespace of service connections.
pub(crate) const NAMESPACE: &str = "49b48001-ca20-4adc-8111-5b60c903a50c";

pub(crate) const USE: u32 = 1;
pub(crate) const ADMINISTER: u32 = 2;
pub(crate) const CREATE: u32 = 4;
pub(crate) const VIEW_AUTHORIZATION: u32 = 8;
pub(crate) const VIEW: u32 = 16;
const ALL: u32 = USE | ADMINISTER | CREATE | VIEW_AUTHORIZATION | VIEW;

/// The token of a project's service connections.
pub(crate) fn project_token(project: Uuid) -> String {
    format!("endpoints/{project}")
}

/// The token of a service connection in a project.
pub(crate) fn connection_token(project: Uuid, connection: Uuid) -> String {
    format!("endpoints/{project}/{connection}")
}

/// The token of a service connection in the whole organization, which decides about its secret.
pub(crate) fn collection_token(connection: Uuid) -> String {
    format!("endpoints/Collection/{connection}")
}

impl Organization {
    /// Whether someone has all of some bits on a token.
    pub(crate) fn allows(&self, member: Uuid, bits: u32, token: &str) -> bool {
        self.bits(member, token) & bits == bits
    }

    /// The bits someone has on a token, by grants, by groups, and as creator.
    pub(crate) fn bits(&self, member: Uuid, token: &str) -> u32 {
        let mut holders = self.groups_above(member);
        holders.insert(member);
        let granted = self.grants.iter().filter(|grant| holders.contains(&grant.holder) && covers(&grant.token, token));
        let mut bits = granted.fold(0, |bits, grant| bits | grant.allow);
        let mut parts = token.split('/').skip(1);
        let scope = parts.next().unwrap_or_default();
        let connection = parts.next().and_then(|id| Uuid::parse_str(id).ok());
        // Administrators of the organization pass every check, also on tokens nobody granted.
        if self.is_in(member, None, "Project Collection Administrators") {
            bits |= ALL;
        }
        if let Ok(project) = Uuid::parse_str(scope) {
            bits |= self.bits_of_groups(member, project);
        }
        // Whoever creates a connection may do everything with it, without a grant.
        let created = self.connections.iter().any(|one| Some(one.id) == connection && one.creator == Some(member));
        if created { bits | ALL } else { bits }
    }

    /// The bits that the groups of a project give.
    fn bits_of_groups(&self, member: Uuid, project: Uuid) -> u32 {
        let above = self.groups_above(member);
        let groups = self.groups.iter().filter(|group| group.project == Some(project) && above.contains(&group.id));
        groups.fold(0, |bits, group| {
            bits | match group.name.as_str() {
                "Project Administrators" | "Endpoint Administrators" => ALL,
                "Endpoint Creators" => CREATE | VIEW,
                "Contributors" | "Build Administrators" => USE | VIEW,
                "Readers" | "Project Valid Users" => VIEW,
                _ => 0,
            }
        })
    }

    /// Whether someone may see that a project exists.
    pub(crate) fn may_enter(&self, member: Uuid, project: Uuid) -> bool {
        let above = self.groups_above(member);
        self.is_in(member, None, "Project Collection Administrators")
            || self.groups.iter().any(|group| group.project == Some(project) && above.contains(&group.id))
            || self.bits(member, &project_token(project)) != 0
    }
}

/// Whether a grant on one token reaches another: the same, or one below it.
fn covers(granted: &str, token: &str) -> bool {
    let (granted, token) = (granted.to_ascii_lowercase(), token.to_ascii_lowercase());
    token.strip_prefix(&granted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_reaches_what_is_below_it() {
        assert!(covers("endpoints", "endpoints/Collection/x"));
        assert!(covers("endpoints/A", "endpoints/a/x"));
        assert!(!covers("endpoints/a", "endpoints/ab"));
        assert!(!covers("endpoints/a/x", "endpoints/a"));
    }
}
