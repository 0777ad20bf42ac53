//! What an inventory says besides the keys.

use azconnect_core::Error;
use azconnect_credential::Check;

use crate::application::Application;
use crate::principal::ServicePrincipal;

pub(crate) fn about_application(application: &Application) -> Option<Check> {
    let status = application.disabled_by_microsoft_status.as_deref().filter(|status| *status != "NotDisabled")?;
    // A text of the service in a line for a person: reduced to what can be nothing but a word.
    let reason: String = status.chars().filter(char::is_ascii_alphanumeric).take(80).collect();
    Some(Check::failed(
        "application-disabled",
        "application",
        format!("Microsoft has disabled the application ({reason})"),
        "clear this with Microsoft's support before anything else; delete nothing",
    ))
}

pub(crate) fn about_principal(principal: &ServicePrincipal) -> Option<Check> {
    (principal.account_enabled == Some(false)).then(|| {
        Check::failed(
            "service-principal-disabled",
            "service principal",
            "the application's service principal is disabled in this tenant, so no secret can be proven",
            "enable it under Enterprise applications, Properties, Enabled for users to sign-in",
        )
    })
}

pub(super) fn unreadable_principal() -> Check {
    Check::unknown(
        "service-principal-unreadable",
        "service principal",
        "the service principal may not be read, so passwords it holds itself are not seen",
        "make the caller an owner of the application's service principal, or grant it Application.Read.All",
    )
}

pub(super) fn missing_principal() -> Check {
    Check::unknown(
        "service-principal-missing",
        "service principal",
        "no service principal of the application is found in this tenant: it does not exist, and the application cannot \
         sign in, or it is hidden from the caller, and passwords it holds itself are not seen",
        "create the service principal with `az ad sp create --id`, unless it was made moments ago or is hidden from you",
    )
    .as_warning()
}

pub(super) fn certificates_only() -> Check {
    Check::passed("certificates-only", "credentials", "the application holds certificates and no client secret")
        .with_remedy("consider whether it needs a client secret at all")
}

/// The check for a policy that allows no new secret. `in_force` says that the application's own policies were read too;
/// otherwise one of them may make an exception, and the check is a warning.
pub(super) fn passwords_forbidden(in_force: bool) -> Check {
    let check = Check::failed(
        "policy-forbids-secrets",
        "policy on secrets",
        "the tenant's application management policy allows this application no new client secret",
        "use a certificate or a federated credential, or ask an administrator for an exception in the policy",
    );
    if in_force { check } else { check.as_warning() }
}

pub(crate) fn unknown_policy(error: &Error) -> Check {
    Check::unknown(
        "policy-unknown",
        "policy on secrets",
        format!("the tenant's policy on the life of secrets could not be read: {error}"),
        "grant Policy.Read.All or Policy.Read.ApplicationConfiguration to let it be respected ahead of time",
    )
    .with_error(error)
}
