//! What a linked account has to fit.

/// What a product needs of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FitRequest {
    /// The organization's name, exactly as Azure DevOps keeps it.
    pub organization: String,
    /// The projects in which the product works, by name or id.
    pub projects: Vec<String>,
    /// The repositories that it reads, by id, `{project}/{name}`, or a name alone, which is looked for in [`projects`](Self::projects)
    /// if there are any.
    pub repositories: Vec<String>,
}

impl FitRequest {
    /// An organization, of which nothing else is needed yet.
    pub fn new(organization: impl Into<String>) -> Self {
        Self { organization: organization.into(), ..Self::default() }
    }

    /// Adds a project, by name or id.
    #[must_use]
    pub fn with_project(mut self, project: impl Into<String>) -> Self {
        self.projects.push(project.into());
        self
    }

    /// Adds a repository, by id, `{project}/{name}`, or a name alone.
    #[must_use]
    pub fn with_repository(mut self, repository: impl Into<String>) -> Self {
        self.repositories.push(repository.into());
        self
    }
}
