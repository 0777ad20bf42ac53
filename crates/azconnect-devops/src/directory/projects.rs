//! Projects: what is known of one, and the list of them.

use azconnect_core::Error;
use azconnect_http::{Call, with_query};
use serde::{Deserialize, Serialize};

use crate::dialect::not_found;
use crate::name::{ProjectId, ProjectRef};
use crate::organization::Organization;
use crate::tolerant::List;

/// A project. Every field but id and name may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct Project {
    /// The project's id, which never changes.
    pub id: ProjectId,
    /// The project's name, which people may change.
    pub name: String,
    /// The description that the portal shows.
    #[serde(default)]
    pub description: Option<String>,
    /// `wellFormed`, `createPending`, `deleting`, `deleted`, or a word that is new.
    #[serde(default)]
    pub state: Option<String>,
    /// When it was last changed, as the service wrote it.
    #[serde(default)]
    pub last_update_time: Option<String>,
}

impl Project {
    /// A project with this id and name. Without a state, it counts as well-formed.
    pub fn new(id: ProjectId, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), description: None, state: None, last_update_time: None }
    }

    /// Whether its state is `wellFormed`, so that work can be done in it.
    pub fn is_well_formed(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state.eq_ignore_ascii_case("wellFormed"))
    }
}

/// Which projects to list, by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProjectState {
    /// Projects in which work can be done.
    #[default]
    WellFormed,
    /// Projects that are being created.
    CreatePending,
    /// Projects that are being deleted.
    Deleting,
    /// Projects in any state.
    All,
}

impl ProjectState {
    fn as_str(self) -> &'static str {
        match self {
            Self::WellFormed => "wellFormed",
            Self::CreatePending => "createPending",
            Self::Deleting => "deleting",
            Self::All => "all",
        }
    }
}

/// How many projects one page holds (`$top`).
const PAGE_SIZE: usize = 100;

impl Organization {
    /// The projects that the caller may see. Idempotent, without effect. Reads all pages.
    ///
    /// # Errors
    /// [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) for someone who is no member.
    pub async fn projects(&self, state: ProjectState) -> Result<Vec<Project>, Error> {
        let top = PAGE_SIZE.to_string();
        let url = self.url(&["_apis", "projects"], &[("stateFilter", state.as_str()), ("$top", &top)])?;
        if !self.is_server() {
            return self.all(Call::get("devops.project.list", url)).await;
        }
        // Servers of older versions skip, where the service continues.
        let mut projects: Vec<Project> = Vec::new();
        let mut watch = self.watch("devops.project.list");
        loop {
            watch.begin_page()?;
            let skip = projects.len().to_string();
            let url = with_query(url.clone(), &[("$skip", &skip)]);
            let page: List<Project> = self.read(Call::get("devops.project.list", url)).await?;
            watch.count(page.value.len())?;
            let last = page.value.len() < PAGE_SIZE;
            projects.extend(page.value);
            if last {
                return Ok(projects);
            }
        }
    }

    /// One project. Idempotent, without effect.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound), also for one that the caller may not see.
    pub async fn project(&self, project: &ProjectRef) -> Result<Project, Error> {
        let url = self.url(&["_apis".into(), "projects".into(), project.as_str()], &[])?;
        let found: Option<Project> = self.read(Call::get("devops.project.get", url)).await?;
        found.ok_or_else(|| {
            not_found("the project", "check the project's name or id").in_operation("devops.project.get")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_well_formed_unless_it_says_otherwise() {
        let is = |state: Option<&str>| {
            let id = "c7e5f0b3-71fa-4429-9fb3-3321963a7c06".parse().unwrap();
            let project = Project { state: state.map(str::to_owned), ..Project::new(id, "Web") };
            project.is_well_formed()
        };
        assert!(is(None) && is(Some("wellFormed")) && is(Some("WELLFORMED")));
        assert!(!is(Some("deleting")) && !is(Some("createPending")) && !is(Some("new")) && !is(Some("")));
    }
}
