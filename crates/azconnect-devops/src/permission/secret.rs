//! Whether the caller may change what a connection signs in with: asked before anything is written.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::Check;

use super::evaluation::{EndpointRight, Evaluation};
use crate::document::EndpointId;
use crate::endpoint::Endpoints;

impl Endpoints {
    /// Whether the caller may change a connection's secret, as a check of a plan. Idempotent, without effect.
    ///
    /// Asks for [`Administer`](EndpointRight::Administer) on the connection's token of the collection: being an
    /// administrator of the project is not enough. Its code is `may-change-secret` if so, and `may-not-change-secret` with
    /// whom to ask if not. An answer that could not be read is the warning `permission-unknown`: the write itself will tell.
    pub async fn secret_permission(&self, endpoint: EndpointId) -> Check {
        match self.may_change_secret(endpoint).await {
            Ok(true) => Check::passed("may-change-secret", "permission", "the caller may change its secret"),
            Ok(false) => Check::failed(
                "may-not-change-secret",
                "permission",
                "the caller may not change its secret: that takes Administer on the connection in the whole organization",
                self.whom_to_ask().await,
            ),
            Err(error) => Check::unknown_by("permission-unknown", "permission", &error)
                .with_cause(format!("whether the caller may change its secret could not be read: {}", error.message()))
                .as_warning(),
        }
    }

    /// Refuses unless the caller may change a connection's secret, or it is not known.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied), with effect [`None`](azconnect_core::Effect::None): only
    /// questions were asked.
    pub(crate) async fn require_secret_permission(&self, endpoint: EndpointId) -> Result<(), Error> {
        let check = self.secret_permission(endpoint).await;
        if check.blocks() {
            return Err(check.to_error(ErrorKind::PermissionDenied, "nothing was written"));
        }
        Ok(())
    }

    async fn may_change_secret(&self, endpoint: EndpointId) -> Result<bool, Error> {
        let organization = self.organization();
        // Where connections are written through their project, no token of the collection decides.
        let token = match organization.versions.project_writes {
            true => format!("endpoints/{}/{endpoint}", organization.project(self.project()).await?.id),
            false => format!("endpoints/Collection/{endpoint}"),
        };
        let answers = organization.evaluate(&[Evaluation::new(token, EndpointRight::Administer)]).await?;
        Ok(answers.first() == Some(&true))
    }

    async fn whom_to_ask(&self) -> String {
        let organization = self.organization();
        let caller = organization.caller().await.ok().and_then(|caller| caller.display_name);
        format!(
            "ask a member of [{0}]\\Project Collection Administrators, or whoever created the connection, to give {1} the \
             role Administrator under its Security > Organization-level permissions, or to add {1} to [{0}]\\Project \
             Collection Administrators",
            organization.name(),
            caller.as_deref().unwrap_or("the identity that calls"),
        )
    }
}
