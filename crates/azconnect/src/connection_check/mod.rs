//! Everything that a connection needs, looked at all at once and without effects.

mod key;
mod login;
mod needs;
mod organization;
mod place;
mod read;
mod role;
mod shown;
mod standing;
mod subject;
mod veil;

use azconnect_core::{Error, TenantId};
use azconnect_credential::{CheckReport, ConnectionCheck};
use azconnect_graph::PasswordCredential;
use azconnect_identity::TenantDiscovery;

pub(crate) use self::key::{check_key, password_of};
pub use self::needs::ConnectionNeeds;
pub(crate) use self::subject::Subject;

use crate::azure::Azure;

/// What was found, the tenant that the login named, and the password that the secret is where that was looked for.
pub(crate) struct Looked {
    pub(crate) report: CheckReport,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) password: Option<PasswordCredential>,
}

/// Looks at a subject, after the checks that were made of it already.
pub(crate) async fn look(
    azure: &Azure,
    needs: &ConnectionNeeds,
    mut before: CheckReport,
    subject: &Subject<'_>,
) -> Looked {
    let facts = read::read(azure, needs, subject).await;
    let login = login::judge(subject, &facts);
    let opened = login.iter().any(|check| check.code == ConnectionCheck::Secret.code() && !check.blocks())
        && facts.inside.is_some();
    before.extend(login);
    match facts.inside.as_ref().filter(|_| opened) {
        Some(inside) => {
            before.extend(standing::judge(needs, subject, inside));
            before.extend(inside.organization.as_ref().map(organization::judge));
            if let Some(check) = key::judge(subject, inside.password.as_ref())
                && let Some(made) = before.checks.iter_mut().find(|made| made.code == check.code)
            {
                *made = check;
            }
        }
        None => before.extend(unopened(subject)),
    }
    Looked {
        report: veil::veiled(before, subject.secret),
        tenant: facts.tenant,
        password: facts.inside.and_then(|inside| inside.password),
    }
}

/// Refuses a tenant of another cloud: its secret must not be sent to this cloud's login. A login that does not tell refuses
/// nothing.
pub(crate) async fn require_this_cloud(azure: &Azure, needs: &ConnectionNeeds, tenant: TenantId) -> Result<(), Error> {
    let azure = azure.hurried(needs.time_limit, read::LONGEST_PAUSE);
    let discovery = TenantDiscovery::new(azure.pipeline().clone(), azure.cloud());
    match discovery.find(&tenant.to_string()).await {
        Err(error) if read::is_elsewhere(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The checks that nobody can make who has not signed in.
fn unopened(subject: &Subject<'_>) -> impl Iterator<Item = azconnect_credential::Check> {
    let all = [
        (ConnectionCheck::Subscription, true),
        (ConnectionCheck::SubscriptionState, true),
        (ConnectionCheck::SubscriptionTenant, true),
        (ConnectionCheck::Role, true),
        (ConnectionCheck::Region, subject.region.is_some()),
        (ConnectionCheck::Providers, true),
        (ConnectionCheck::Group, subject.group.is_some()),
        (ConnectionCheck::Organization, subject.organization.is_some()),
    ];
    all.into_iter()
        .filter(|(_, wanted)| *wanted)
        .map(|(check, _)| check.skipped("the application has to sign in first"))
}
