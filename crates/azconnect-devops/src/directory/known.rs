//! Organizations that the caller of a search names: whether they can be entered.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::Check;
use azconnect_http::Authorizer;

use crate::client::DevOpsClient;
use crate::name::OrganizationName;

impl DevOpsClient {
    /// Enters an organization by the first of several identities that is let in: the client's own, then the others.
    ///
    /// # Errors
    /// That of the client's own identity.
    pub(super) async fn enter(&self, name: &OrganizationName, also: &[Arc<dyn Authorizer>]) -> Result<(), Error> {
        let Err(refused) = self.organization(name)?.caller().await else { return Ok(()) };
        for authorizer in also {
            if self.signed_by(authorizer.clone()).organization(name)?.caller().await.is_ok() {
                return Ok(());
            }
        }
        Err(refused)
    }
}

/// Whether an organization that could not be entered turned the caller away, and did not merely fail to answer.
pub(super) fn turns_away(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::PermissionDenied)
}

/// The check for an organization that could not be entered.
pub(super) fn not_entered(name: &OrganizationName, error: &Error) -> Check {
    let (code, subject) = ("organization-not-entered", format!("organization {name}"));
    let (check, what) = match turns_away(error) {
        true => (Check::failed_by(code, subject, error), "does not let the caller in"),
        false => (Check::unknown_by(code, subject, error), "could not be read"),
    };
    check.with_cause(format!("the organization {name} {what}: {}", error.message()))
}

/// The check for an organization whose directory is not known.
pub(super) fn tenant_not_read(name: &OrganizationName, error: &Error) -> Check {
    Check::unknown_by("organization-tenant-unknown", format!("organization {name}"), error)
        .with_cause(format!("the directory behind the organization {name} could not be read: {}", error.message()))
        .as_warning()
}

/// The check for a list that the caller did not get, where the organizations are named.
pub(super) fn not_listed(error: &Error) -> Check {
    Check::unknown_by("organizations-not-listed", "organizations", error)
        .with_cause(format!(
            "the caller's organizations could not be listed, so only the named ones are known: {}",
            error.message()
        ))
        .with_remedy(
            "name every organization that is to be looked at; a personal access token of one organization lists none",
        )
        .as_warning()
}
