//! What a person sees inside of an organization.

use azconnect_credential::{Check, FitRequest};
use azconnect_devops::{Organization, Project, ProjectState, Repository};

/// An organization that lets the person in.
pub(super) struct Inside {
    pub(super) organization: Organization,
    /// Whether it is known to belong to the tenant of the tokens: to those of another tenant it may show itself empty.
    pub(super) is_tenant_known: bool,
}

impl Inside {
    /// Whether the person sees each of these projects.
    pub(super) async fn projects(&self, wanted: &[String]) -> Vec<Check> {
        let seen = self.organization.projects(ProjectState::WellFormed).await;
        let is_called = |project: &Project, text: &str| {
            project.name.eq_ignore_ascii_case(text) || project.id.to_string().eq_ignore_ascii_case(text)
        };
        let check = |wanted: &String| {
            let subject = format!("project {wanted}");
            match &seen {
                Ok(seen) if seen.iter().any(|project| is_called(project, wanted)) => {
                    Check::passed("project-seen", subject, "the person sees it")
                }
                Ok(_) => self.not_seen("project-not-seen", subject, &[]),
                Err(error) => Check::unknown_by("project-seen", subject, error),
            }
        };
        wanted.iter().map(check).collect()
    }

    /// Whether the person may read each repository of the request.
    pub(super) async fn repositories(&self, request: &FitRequest) -> Vec<Check> {
        let seen = self.organization.repositories().await;
        let check = |wanted: &String| match &seen {
            Ok(seen) => self.repository(wanted, &request.projects, seen),
            Err(error) => Check::unknown_by("repository-seen", format!("repository {wanted}"), error),
        };
        request.repositories.iter().map(check).collect()
    }

    fn repository(&self, wanted: &str, projects: &[String], seen: &[Repository]) -> Check {
        let subject = format!("repository {wanted}");
        let called = || seen.iter().filter(|repository| repository.is_called(wanted));
        // A name alone says nothing of the project, and other projects' repositories may have it too.
        let is_meant = |repository: &&Repository| {
            let is_exact = wanted.contains('/') || wanted.parse().is_ok_and(|id| repository.id == id);
            is_exact || projects.is_empty() || projects.iter().any(|project| repository.is_in(project))
        };
        let found: Vec<&Repository> = called().filter(is_meant).collect();
        match found.as_slice() {
            [] => self.not_seen("repository-not-seen", subject, &called().map(qualified).collect::<Vec<_>>()),
            [one] if one.is_disabled => Check::failed(
                "repository-disabled",
                subject,
                "it is disabled, and cannot be cloned",
                "enable it in the project's settings, under Repositories",
            ),
            [_] => Check::passed("repository-seen", subject, "the person may read it"),
            several => {
                let names: Vec<String> = several.iter().copied().map(qualified).collect();
                let cause = format!("{} repositories are called so", names.len());
                Check::failed("repository-ambiguous", subject, cause, format!("write {}", names.join(" or ")))
            }
        }
    }

    /// Azure DevOps leaves out silently what somebody may not read.
    fn not_seen(&self, code: &'static str, subject: String, elsewhere: &[String]) -> Check {
        let mut advice = format!(
            "check the name, or ask an Azure DevOps administrator of {} to grant the person read access to {subject}",
            self.organization.name()
        );
        if !elsewhere.is_empty() {
            advice = format!("if another project's is meant, write {}; else {advice}", elsewhere.join(" or "));
        }
        if self.is_tenant_known {
            let cause = "the person does not see it: it is not there, or they may not read it";
            return Check::failed(code, subject, cause, advice);
        }
        let cause = "the person does not see it, and it is not known whether the organization belongs to the tenant of the tokens: \
                     if not, it shows them nothing";
        Check::unknown(code, subject, cause, advice)
    }
}

/// The name by which no other repository of the organization is called.
fn qualified(repository: &Repository) -> String {
    match &repository.project {
        Some(project) => format!("{}/{}", project.name, repository.name),
        None => repository.id.to_string(),
    }
}
