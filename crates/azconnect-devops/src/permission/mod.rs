//! What the caller may do with service connections.

mod evaluation;
mod membership;
mod secret;

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{Check, CheckReport};
use serde::Serialize;

use self::evaluation::Evaluation;
pub use self::evaluation::{ConnectionPermission, EndpointRight};
use crate::directory::{DevOpsIdentity, Project};
use crate::document::EndpointId;
use crate::name::ProjectRef;
use crate::organization::Organization;

/// Why the caller may administer the connections of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ground {
    /// As a member, also through other groups, of Project Administrators.
    ProjectAdministrator,
    /// As a member, also through other groups, of Endpoint Administrators.
    EndpointAdministrator,
    /// As a member, also through other groups, of Project Collection Administrators.
    CollectionAdministrator,
    /// By the permission to administer connections itself.
    Permission,
}

impl Ground {
    /// The ground in words, for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProjectAdministrator => "member of Project Administrators",
            Self::EndpointAdministrator => "member of Endpoint Administrators",
            Self::CollectionAdministrator => "member of Project Collection Administrators",
            Self::Permission => "permission to administer the project's service connections",
        }
    }
}

/// What a permission check of a project found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PermissionReport {
    /// The caller, as the organization knows it.
    pub caller: DevOpsIdentity,
    /// The project whose connections were asked about.
    pub project: Project,
    /// The grounds that hold; empty if the caller may not administer the connections.
    pub grounds: Vec<Ground>,
    /// What could not be read. With no ground and something unknown, the answer is *unknown*, not *no*.
    pub checks: CheckReport,
}

impl PermissionReport {
    /// A report of a caller and a project in which no ground holds.
    pub fn new(caller: DevOpsIdentity, project: Project) -> Self {
        Self { caller, project, grounds: Vec::new(), checks: CheckReport::new() }
    }

    /// Sets the grounds that hold.
    #[must_use]
    pub fn with_grounds(mut self, grounds: Vec<Ground>) -> Self {
        self.grounds = grounds;
        self
    }

    /// Whether any ground holds.
    pub fn allows(&self) -> bool {
        !self.grounds.is_empty()
    }

    /// Advice for a caller who lacks the permission: what to ask for, and whom.
    pub fn advice(&self) -> String {
        format!(
            "ask a member of [{0}]\\Project Administrators to add {1} to [{0}]\\Endpoint Administrators, or to give the role \
             Administrator under Project settings > Service connections > Security",
            self.project.name,
            self.caller.display_name.as_deref().unwrap_or("the identity")
        )
    }

    /// Refuses with the reason unless a ground holds.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied), with effect [`None`](Effect::None).
    pub fn require(&self) -> Result<(), Error> {
        if self.allows() {
            return Ok(());
        }
        let unknown = if self.checks.is_empty() { "" } else { "; not everything could be checked" };
        Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the identity may not administer the service connections of project {:?}{unknown}",
                self.project.name
            ),
        )
        // Permissions were read, and nothing else.
        .with_effect(Effect::None)
        .in_operation("devops.permission.check")
        .with_service_code("NotEndpointAdministrator")
        .with_advice(self.advice()))
    }
}

impl Organization {
    /// Whether the caller may administer a project's service connections, and by what. Idempotent, without effect.
    ///
    /// Looks at the permission bits and at the groups; a membership through other groups counts. What cannot be read
    /// becomes a check. Changing a secret needs more: see [`Organization::connection_permission`].
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for the project, [`Unauthenticated`](ErrorKind::Unauthenticated) for the caller.
    pub async fn permission(&self, project: &ProjectRef) -> Result<PermissionReport, Error> {
        let project = self.project(project).await?;
        let caller = self.caller().await?;
        let mut report = PermissionReport::new(caller, project);
        let token = format!("endpoints/{}", report.project.id);
        match self.evaluate(&[Evaluation::new(token, EndpointRight::Administer)]).await {
            Ok(answers) if answers.first() == Some(&true) => report.grounds.push(Ground::Permission),
            Ok(_) => {}
            Err(error) => report.checks.push(unknown("permission-unknown", "the permission bits", &error)),
        }
        // Either way is enough to administer, so one that cannot be read does not end the search.
        match self.administrator_groups(&report.caller, &report.project).await {
            Ok(grounds) => report.grounds.extend(grounds),
            Err(error) => report.checks.push(unknown("groups-unknown", "the administrator groups", &error)),
        }
        Ok(report)
    }

    /// What the caller may do with one connection. Idempotent, without effect.
    ///
    /// A secret is changed only with [`Administer`](EndpointRight::Administer) on the connection's token of the
    /// collection: being an administrator of the project is not enough.
    ///
    /// # Errors
    /// As [`Organization::permission`].
    pub async fn connection_permission(
        &self,
        project: &Project,
        endpoint: EndpointId,
    ) -> Result<ConnectionPermission, Error> {
        let in_project = format!("endpoints/{}/{endpoint}", project.id);
        let in_collection = format!("endpoints/Collection/{endpoint}");
        let asked = [
            Evaluation::new(in_project.clone(), EndpointRight::View),
            Evaluation::new(in_project.clone(), EndpointRight::Use),
            Evaluation::new(in_project, EndpointRight::Administer),
            Evaluation::new(in_collection, EndpointRight::Administer),
        ];
        let answers = self.evaluate(&asked).await?;
        let at = |index: usize| answers.get(index).copied().unwrap_or(false);
        Ok(ConnectionPermission { view: at(0), r#use: at(1), administer: at(2), change_secret: at(3) })
    }
}

fn unknown(code: &str, what: &str, error: &Error) -> Check {
    Check::unknown_by(code, what, error).with_cause(format!("{what} could not be read: {error}")).as_warning()
}
