//! The ids and names of projects.

use std::fmt;

use azconnect_core::{Error, guid_id};
use serde::Serialize;

guid_id!(
    /// The id of a project of Azure DevOps, which never changes.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum ProjectRef {
    /// By id, which never changes.
    Id(ProjectId),
    /// By its name, which people may change.
    Name(ProjectName),
}

/// The name of a project: 1 to 64 characters without ``\ / : * ? " < > | ; # $ { } , + = [ ]``.
///
/// The rule is the one of Microsoft's *Naming restrictions and conventions* for projects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
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

    /// The id or the name as text: the segment of an address that names the project.
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
