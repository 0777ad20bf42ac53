//! The Git repositories of an organization that the caller may read.

use azconnect_core::{Error, guid_id};
use azconnect_http::Call;
use serde::{Deserialize, Serialize};

use crate::name::ProjectId;
use crate::organization::Organization;

guid_id!(
    /// The id of a Git repository, which never changes.
    RepositoryId, "repository id"
);

/// A Git repository. Every field but id and name may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct Repository {
    /// The repository's id, which never changes.
    pub id: RepositoryId,
    /// The repository's name, which people may change.
    pub name: String,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<RepositoryProject>,
    /// Whether somebody has disabled it: it is listed then, and cannot be cloned.
    #[serde(default)]
    pub is_disabled: bool,
}

/// The project of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct RepositoryProject {
    /// The project's id.
    pub id: ProjectId,
    /// The project's name.
    pub name: String,
}

impl Repository {
    /// Whether it belongs to a project, by the project's name or id. Azure DevOps minds no case in names.
    pub fn is_in(&self, project: &str) -> bool {
        self.project.as_ref().is_some_and(|own| {
            own.name.eq_ignore_ascii_case(project) || project.parse().is_ok_and(|id: ProjectId| id == own.id)
        })
    }

    /// Whether it is called so: by its id, its name, or `{project}/{name}`. Azure DevOps minds no case in names. Repositories of
    /// several projects may have one name: [`is_in`](Self::is_in) tells them apart.
    pub fn is_called(&self, text: &str) -> bool {
        let is_named = |name: &str| self.name.eq_ignore_ascii_case(name);
        let qualified = text.split_once('/').is_some_and(|(project, name)| self.is_in(project) && is_named(name));
        text.parse().is_ok_and(|id: RepositoryId| id == self.id) || is_named(text) || qualified
    }
}

impl Organization {
    /// The repositories of all projects that the caller may read. Idempotent, without effect; one answer holds all of them.
    ///
    /// Azure DevOps leaves out silently what the caller may not read, so that an empty list does not say that there is none.
    ///
    /// # Errors
    /// [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) for someone who is no member.
    pub async fn repositories(&self) -> Result<Vec<Repository>, Error> {
        let url = self.url(&["_apis", "git", "repositories"], &[])?;
        self.all(Call::get("devops.repository.list", url)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_found_by_what_people_call_it() {
        let text = r#"{"id":"c7e5f0b3-71fa-4429-9fb3-3321963a7c06","name":"shop",
            "project":{"id":"d7e5f0b3-71fa-4429-9fb3-3321963a7c06","name":"Web","state":"wellFormed"},"isDisabled":true}"#;
        let shop: Repository = serde_json::from_str(text).unwrap();
        assert!(shop.is_disabled);
        for name in ["shop", "SHOP", "web/shop", "c7e5f0b3-71fa-4429-9fb3-3321963a7c06"] {
            assert!(shop.is_called(name), "{name}");
        }
        for project in ["web", "D7E5F0B3-71FA-4429-9FB3-3321963A7C06"] {
            assert!(shop.is_in(project) && shop.is_called(&format!("{project}/shop")), "{project}");
        }
        assert!(!shop.is_in("") && !shop.is_in("shop"));
        for name in ["", "shops", "other/shop", "web/", "web"] {
            assert!(!shop.is_called(name), "{name}");
        }
    }
}
