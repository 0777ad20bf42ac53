//! Projects: ids, references and lists.

use std::fmt;

use azconnect_core::{Error, guid_id};
use azconnect_http::{Call, with_query};
use serde::Deserialize;

use crate::dialect::not_found;
use crate::organization::Organization;

guid_id!(
    /// The id of a project.
    ProjectId,
    "project id"
);

/// A project, by its id or by its name.
///
/// ```
/// use azconnect_devops::ProjectRef;
///
/// assert_eq!(ProjectRef::new("Web shop")?.as_str(), "Web shop");
/// assert!(matches!(ProjectRef::new("eb6e4656-77fc-42a1-9181-4c6d8e9da5d1")?, ProjectRef::Id(_)));
/// assert_eq!(ProjectRef::new("a/b").unwrap_err().field(), Some("project"));
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProjectRef {
    /// By id, which never changes.
    Id(ProjectId),
    /// By name.
    Name(ProjectName),
}

/// The name of a project: 1 to 64 characters without ``\ / : * ? " < > | ; # $ { } , + = [ ]``.
///
/// The rule is the one of Microsoft's *Naming restrictions and conventions* for projects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectName(Box<str>);

impl ProjectName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field `project`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        let wrong = |message: &str| {
            Err(Error::invalid("project", message)
                .with_advice("give the project's name as the portal shows it, or its id"))
        };
        if name.trim().is_empty() {
            return wrong("is empty");
        }
        if name.chars().count() > 64 {
            return wrong("is longer than 64 characters");
        }
        if let Some(bad) = name.chars().find(|c| c.is_control() || "\\/:*?\"<>|;#${},+=[]".contains(*c)) {
            return wrong(&format!("holds {bad:?}, which no project's name has"));
        }
        if name.starts_with(['.', '_']) || name.ends_with('.') {
            return wrong("begins with a period or underscore, or ends with a period");
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ProjectRef {
    /// Reads an id if the text is one, else a name.
    ///
    /// # Errors
    /// As [`ProjectName::new`].
    pub fn new(text: impl AsRef<str>) -> Result<Self, Error> {
        let text = text.as_ref();
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Ok(Self::Name(ProjectName::new(text)?)),
        }
    }

    /// The path segment that names it.
    pub fn as_str(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Id(id) => id.to_string().into(),
            Self::Name(name) => name.as_str().into(),
        }
    }

    /// Whether it may mean the project of this id and name. Names are compared as the service does, in any case.
    pub fn means(&self, id: Option<&str>, name: Option<&str>) -> bool {
        match self {
            Self::Id(own) => id.is_some_and(|id| id.eq_ignore_ascii_case(&own.to_string())),
            Self::Name(own) => name.is_some_and(|name| name.to_lowercase() == own.as_str().to_lowercase()),
        }
    }
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
    }
}

impl From<ProjectId> for ProjectRef {
    fn from(id: ProjectId) -> Self {
        Self::Id(id)
    }
}

impl std::str::FromStr for ProjectRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// A project. Every field but id and name may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Its description.
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
    /// Whether work can be done in it.
    pub fn is_well_formed(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state.eq_ignore_ascii_case("wellFormed"))
    }
}

/// Which projects to list, by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectState {
    /// Those in which work can be done.
    #[default]
    WellFormed,
    /// Those that are being created.
    CreatePending,
    /// Those that are being deleted.
    Deleting,
    /// All.
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

/// How many projects are asked for at once.
const PAGE: usize = 100;

impl Organization {
    /// The projects that the caller may see. Idempotent, without effect. Reads all pages.
    ///
    /// # Errors
    /// [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) for someone who is no member.
    pub async fn projects(&self, state: ProjectState) -> Result<Vec<Project>, Error> {
        let top = PAGE.to_string();
        let url = self.url(&["_apis", "projects"], &[("stateFilter", state.as_str()), ("$top", &top)])?;
        if !self.is_server() {
            return self.all(Call::get("devops.project.list", url)).await;
        }
        // Servers of older versions skip, where the service continues.
        let mut projects: Vec<Project> = Vec::new();
        loop {
            let skip = projects.len().to_string();
            let url = with_query(url.clone(), &[("$skip", &skip)]);
            let page: List<Project> = self.read(Call::get("devops.project.list", url)).await?;
            let last = page.value.len() < PAGE;
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

/// A list as the service wraps it.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct List<T> {
    /// Required: an answer without it is no list, and must not be read as an empty one.
    pub(crate) value: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_project_has_are_refused() {
        for bad in ["", "  ", "a/b", "a\\b", "_a", ".a", "a.", "a\nb", &"x".repeat(65)] {
            assert_eq!(ProjectRef::new(bad).unwrap_err().field(), Some("project"), "{bad:?}");
        }
        assert!(ProjectRef::new("Größe (alt) & mehr").is_ok());
    }

    #[test]
    fn a_reference_means_a_project_in_any_case() {
        assert!(ProjectRef::new("Web").unwrap().means(None, Some("WEB")));
        let id = ProjectRef::new("EB6E4656-77fc-42a1-9181-4c6d8e9da5d1").unwrap();
        assert!(id.means(Some("eb6e4656-77fc-42a1-9181-4c6d8e9da5d1"), None));
        assert!(!id.means(None, Some("Web")));
    }
}
