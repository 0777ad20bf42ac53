//! Whether the application reaches the organization of Azure DevOps.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::entra::Meaning;
use azconnect_credential::{Check, ConnectionCheck};

use super::shown::shown;

/// The check of an organization that was asked who the application is.
pub(super) fn judge(caller: &Result<String, Error>) -> Check {
    let check = ConnectionCheck::Organization;
    match caller {
        Ok(name) => check.passed(match shown(name) {
            Some(name) => format!("it knows the application as {name}"),
            None => "it knows the application".to_owned(),
        }),
        Err(error) if is_refusal(error) => check.failed_by(error).with_remedy(format!(
            "check the organization's name, and have one of its administrators add the application as a user; {}",
            error.advice()
        )),
        Err(error) => check.unknown_by(error),
    }
}

/// Whether the organization, or the sign-in to it, refuses the application, as it will until somebody does something.
fn is_refusal(error: &Error) -> bool {
    // The secret gave a token a moment ago: a replica that does not know it decides nothing.
    Meaning::of(error) != Meaning::NoMatch
        && matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::Unsupported
        )
}
