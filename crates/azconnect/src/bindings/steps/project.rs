//! The projects of an organization, and whether who acts may administer the connections of the chosen one.

use azconnect_core::Error;
use azconnect_credential::{Check, CheckReport};
use azconnect_devops::{
    BindingStep, ConnectionDirectory as _, OrganizationName, PermissionReport, Project, ProjectAddress, ProjectRef,
};

use super::super::build::Acting;

/// Looks for the projects that who acts may see, and finds the chosen one among them.
pub(super) async fn look(
    acting: &Acting,
    organization: &OrganizationName,
    chosen: Option<&str>,
) -> (BindingStep<Vec<Project>>, Option<Project>) {
    let found = match acting.client.projects(organization).await {
        Ok(found) => found,
        Err(error) => return (BindingStep::ended("projects-not-read", "projects", &error), None),
    };
    if found.is_empty() {
        // Somebody who signs in to another tenant than the organization's is answered with empty lists, and not refused.
        let check = Check::failed(
            "no-project",
            "projects",
            format!("{organization} shows no project to who acts"),
            "let who acts become a member of a project, and check that it signs in to the organization's tenant",
        );
        return (BindingStep::of(found, CheckReport::from(vec![check])), None);
    }
    let Some(chosen) = chosen else { return (BindingStep::of(found, CheckReport::new()), None) };
    let wanted = ProjectRef::new(chosen);
    let project = wanted.as_ref().ok().and_then(|wanted| found.iter().find(|project| means(wanted, project)).cloned());
    let checks = match (&wanted, &project) {
        (Err(error), _) => vec![Check::failed_by("project-name", "project", error)],
        (Ok(_), None) => vec![not_shown(organization, chosen)],
        (Ok(_), Some(_)) => Vec::new(),
    };
    (BindingStep::of(found, CheckReport::from(checks)), project)
}

fn not_shown(organization: &OrganizationName, chosen: &str) -> Check {
    Check::failed(
        "project-not-shown",
        "project",
        format!("{organization} shows no project {chosen:?} to who acts"),
        "choose one of the projects that are shown, or let who acts become a member of this one",
    )
}

/// Whether this project is meant by its id or its name.
pub(super) fn means(wanted: &ProjectRef, project: &Project) -> bool {
    wanted.means(Some(&project.id.to_string()), Some(&project.name))
}

/// Whether who acts may administer the project's connections; if not, what to ask for, and whom.
pub(super) async fn permission(acting: &Acting, place: &ProjectAddress) -> BindingStep<PermissionReport> {
    let report = match acting.client.permission(place).await {
        Ok(report) => report,
        Err(error) => return BindingStep::ended("permission-not-read", "permission", &error),
    };
    let mut checks = report.checks.clone();
    if let Err(error) = report.require() {
        checks.push(refused(&report, &error));
    }
    BindingStep::of(report, checks)
}

/// What could not be read may hold the permission: then it is not known to be missing.
fn refused(report: &PermissionReport, error: &Error) -> Check {
    let (code, subject) = ("not-endpoint-administrator", "permission");
    match report.checks.is_empty() {
        true => Check::failed_by(code, subject, error),
        false => Check::unknown_by(code, subject, error),
    }
}
