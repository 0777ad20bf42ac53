//! The groups whose members administer service connections.

use azconnect_core::{Error, ErrorKind};
use azconnect_http::Call;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::Method;
use serde::Deserialize;

use super::Ground;
use crate::directory::{DevOpsIdentity, Project};
use crate::organization::Organization;
use crate::tolerant::List;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    principal_name: Option<String>,
    descriptor: String,
}

#[derive(Deserialize)]
struct Descriptor {
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    #[serde(default = "Vec::new", deserialize_with = "crate::tolerant::list")]
    member_of: Vec<String>,
}

impl Organization {
    /// The administrator groups, of the project and of the collection, that the caller is a member of.
    pub(super) async fn administrator_groups(
        &self,
        caller: &DevOpsIdentity,
        project: &Project,
    ) -> Result<Vec<Ground>, Error> {
        let mut groups = self.groups_of_project(project).await?;
        groups.extend(self.groups_of_collection().await?);
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let above = self.containers(caller).await;
        let mut grounds = Vec::new();
        for (group, ground) in groups {
            let member = match &above {
                Ok(above) => above.iter().any(|container| same_group(container, &group.descriptor)),
                Err(_) => false,
            };
            if member || self.is_direct_member(caller, &group.descriptor).await? {
                grounds.push(ground);
            }
        }
        match above {
            // Without the memberships through other groups, no ground is not an answer.
            Err(error) if grounds.is_empty() => Err(error),
            _ => Ok(grounds),
        }
    }

    /// Endpoint Administrators is created when it is first used: a fresh project has none.
    async fn groups_of_project(&self, project: &Project) -> Result<Vec<(Group, Ground)>, Error> {
        let url = self.identity_url(&["_apis", "graph", "descriptors", &project.id.to_string()], &[])?;
        let scope: Descriptor = self.read(Call::get("devops.graph.descriptor", url)).await?;
        let url = self.identity_url(&["_apis", "graph", "groups"], &[("scopeDescriptor", &scope.value)])?;
        let groups: Vec<Group> = self.all(Call::get("devops.graph.groups", url)).await?;
        Ok(matching(
            groups,
            &[
                (format!("[{}]\\Project Administrators", project.name), Ground::ProjectAdministrator),
                (format!("[{}]\\Endpoint Administrators", project.name), Ground::EndpointAdministrator),
            ],
        ))
    }

    async fn groups_of_collection(&self) -> Result<Vec<(Group, Ground)>, Error> {
        let url = self.identity_url(&["_apis", "graph", "groups"], &[("subjectTypes", "vssgp")])?;
        let groups: Vec<Group> = self.all(Call::get("devops.graph.groups", url)).await?;
        let name = format!("[{}]\\Project Collection Administrators", self.name());
        Ok(matching(groups, &[(name, Ground::CollectionAdministrator)]))
    }

    /// Every group above the caller, nested ones too, by their older descriptors.
    async fn containers(&self, caller: &DevOpsIdentity) -> Result<Vec<String>, Error> {
        let query = [("identityIds", caller.id.as_str()), ("queryMembership", "expandedUp")];
        let url = self.identity_url(&["_apis", "identities"], &query)?;
        let members: List<Option<Member>> = self.read(Call::get("devops.identity.get", url)).await?;
        Ok(members.value.into_iter().flatten().flat_map(|member| member.member_of).collect())
    }

    async fn is_direct_member(&self, caller: &DevOpsIdentity, group: &str) -> Result<bool, Error> {
        let Some(subject) = &caller.subject_descriptor else { return Ok(false) };
        let url = self.identity_url(&["_apis", "graph", "memberships", subject, group], &[])?;
        let call = Call::new("devops.graph.membership", Method::HEAD, url, azconnect_http::Idempotency::Idempotent);
        match self.send(call).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn matching(groups: Vec<Group>, wanted: &[(String, Ground)]) -> Vec<(Group, Ground)> {
    let ground = |group: &Group| {
        let name = group.principal_name.as_deref()?.to_lowercase();
        wanted.iter().find(|(wanted, _)| wanted.to_lowercase() == name).map(|(_, ground)| *ground)
    };
    groups.into_iter().filter_map(|group| ground(&group).map(|ground| (group, ground))).collect()
}

/// Whether an older descriptor (`Microsoft.TeamFoundation.Identity;S-1-9-…`) and a subject descriptor (`vssgp.` and the
/// same SID in base64) name one group.
fn same_group(identity: &str, subject: &str) -> bool {
    if identity.eq_ignore_ascii_case(subject) {
        return true;
    }
    let Some((_, sid)) = identity.split_once(';') else { return false };
    let Some((_, encoded)) = subject.split_once('.') else { return false };
    let encoded = encoded.trim_end_matches('=');
    let decoded = URL_SAFE_NO_PAD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded));
    decoded.is_ok_and(|decoded| decoded.eq_ignore_ascii_case(sid.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_descriptors_of_a_group_are_the_same_group() {
        let sid = "S-1-9-1551374245-1204400969-2402986413-2179408616-0-0-0-0-1";
        let subject = format!("vssgp.{}", URL_SAFE_NO_PAD.encode(sid));
        assert!(same_group(&format!("Microsoft.TeamFoundation.Identity;{sid}"), &subject));
        assert!(!same_group("Microsoft.TeamFoundation.Identity;S-1-9-1", &subject));
        assert!(same_group(&subject, &subject));
        assert!(!same_group("nonsense", "nonsense too"));
    }
}
