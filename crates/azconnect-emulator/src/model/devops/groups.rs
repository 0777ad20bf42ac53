//! Who may enter an organization, and the groups they are in.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Group, Member, Organization};
use crate::base::dice::named_guid;

/// The groups every organization has.
const COLLECTION_GROUPS: [&str; 3] =
    ["Project Collection Administrators", "Project Collection Valid Users", "Project Collection Build Administrators"];

/// The groups every project has from the start.
const PROJECT_GROUPS: [&str; 5] =
    ["Project Administrators", "Build Administrators", "Contributors", "Readers", "Project Valid Users"];

/// The groups a project gets when its first service connection is made.
const LAZY_GROUPS: [&str; 2] = ["Endpoint Administrators", "Endpoint Creators"];

impl Organization {
    /// Lets someone in, and returns the id they have inside.
    pub(crate) fn enter(&mut self, member: Member) -> Uuid {
        if let Some(known) = self.member_of(member.identity) {
            return known.id;
        }
        let id = member.id;
        self.members.push(member);
        if let Some(everyone) = self.groups.iter_mut().find(|group| group.name == "Project Collection Valid Users") {
            everyone.members.push(id);
        }
        id
    }

    pub(crate) fn create_collection_groups(&mut self) {
        for name in COLLECTION_GROUPS {
            self.add_group(None, name);
        }
    }

    pub(crate) fn create_project_groups(&mut self, project: Uuid) {
        for name in PROJECT_GROUPS {
            self.add_group(Some(project), name);
        }
    }

    /// Creates the endpoint groups of every project that has a service connection.
    pub(crate) fn create_lazy_groups(&mut self) {
        let projects: BTreeSet<Uuid> =
            self.connections.iter().flat_map(|connection| connection.references.iter().map(|r| r.project)).collect();
        for project in projects {
            for name in LAZY_GROUPS {
                if !self.groups.iter().any(|group| group.project == Some(project) && group.name == name) {
                    self.add_group(Some(project), name);
                }
            }
        }
    }

    /// Creates one of the groups that appear on their first use, if the name is that of one.
    pub(crate) fn create_lazily(&mut self, principal_name: &str) -> Option<Uuid> {
        let (project, name) = self.split_group_name(principal_name)?;
        let known = LAZY_GROUPS.into_iter().find(|lazy| lazy.eq_ignore_ascii_case(&name))?;
        project.map(|project| self.add_group(Some(project), known))
    }

    fn add_group(&mut self, project: Option<Uuid>, name: &str) -> Uuid {
        let scope = project.map_or_else(|| self.name.clone(), |project| project.to_string());
        let id = named_guid(&format!("group/{}/{scope}/{name}", self.name));
        let description = match name {
            "Endpoint Administrators" => {
                "Members of this group should include only those who administer service connections."
            }
            "Project Administrators" => "Members of this group can perform all operations in the team project.",
            _ => "",
        };
        self.groups.push(Group {
            id,
            project,
            name: name.to_owned(),
            description: description.to_owned(),
            members: Vec::new(),
        });
        id
    }

    /// `[Scope]\Name` as the scope's project, none for the organization itself, and the name.
    pub(crate) fn split_group_name(&self, principal_name: &str) -> Option<(Option<Uuid>, String)> {
        let (scope, name) = principal_name.strip_prefix('[')?.split_once(r"]\")?;
        if scope.eq_ignore_ascii_case(&self.name) {
            return Some((None, name.to_owned()));
        }
        let project = self.projects.iter().find(|project| project.name.eq_ignore_ascii_case(scope))?;
        Some((Some(project.id), name.to_owned()))
    }

    pub(crate) fn group_by_name(&self, principal_name: &str) -> Option<&Group> {
        let (project, name) = self.split_group_name(principal_name)?;
        self.groups.iter().find(|group| group.project == project && group.name.eq_ignore_ascii_case(&name))
    }

    /// The name of a group with its scope, as `[Scope]\Name`.
    pub(crate) fn group_name(&self, group: &Group) -> String {
        let scope = group.project.and_then(|id| self.project_by_id(id)).map_or(&self.name, |project| &project.name);
        format!(r"[{scope}]\{}", group.name)
    }

    /// Every group someone is in, also through other groups.
    pub(crate) fn groups_above(&self, id: Uuid) -> BTreeSet<Uuid> {
        let mut above = BTreeSet::new();
        let mut frontier = vec![id];
        while let Some(member) = frontier.pop() {
            for group in self.groups.iter().filter(|group| group.members.contains(&member)) {
                if above.insert(group.id) {
                    frontier.push(group.id);
                }
            }
        }
        above
    }

    /// Whether someone is in a group of a scope, also through other groups.
    pub(crate) fn is_in(&self, id: Uuid, project: Option<Uuid>, name: &str) -> bool {
        let above = self.groups_above(id);
        self.groups.iter().any(|group| group.project == project && group.name == name && above.contains(&group.id))
    }
}
