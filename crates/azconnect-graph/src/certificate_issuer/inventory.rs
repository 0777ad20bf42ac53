//! What certificates an application can sign in with.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::{ClientId, Error, ErrorKind};
use azconnect_credential::{Check, CheckReport, Inventory, IssuedKey, KeyHolder};

use crate::application::Application;
use crate::client::GraphClient;
use crate::issuer::checks::{about_application, about_principal, unknown_policy};
use crate::issuer::unseen::service_principal;
use crate::password::KeyCredential;

/// How long a policy that was read is not read again: it changes seldom, and each reading costs a request.
const POLICY_FRESH: Duration = Duration::from_secs(15 * 60);

/// What the tenant's policy allows a certificate: the longest life, and what stands in the way.
type Allowance = (Option<Duration>, Option<Check>);

/// The last reading of the policy, and when that was in the clock's elapsed time.
#[derive(Default)]
pub(super) struct PolicyMemory(Mutex<Option<(Duration, Allowance)>>);

pub(super) async fn read(
    client: &GraphClient,
    application: ClientId,
    memory: &PolicyMemory,
) -> Result<Inventory, Error> {
    let application = client.application_by_client_id(application).await?;
    let listed = application.certificates.as_deref().ok_or_else(unlisted)?;
    let principal = service_principal(client, application.client_id).await?;
    let mut checks = CheckReport::new();
    let mut keys = issued(listed, KeyHolder::Application, &mut checks);
    checks.extend(about_application(&application));
    match &principal {
        Ok(principal) => {
            keys.extend(issued(
                principal.certificates.as_deref().unwrap_or_default(),
                KeyHolder::ServicePrincipal,
                &mut checks,
            ));
            checks.extend(about_principal(principal));
        }
        Err(unseen) => checks.push(unseen.check()),
    }
    let (longest, check) = memory.allowance(client, &application).await;
    checks.extend(check);
    let title = application.display_name.unwrap_or_else(|| application.client_id.to_string());
    let inventory = Inventory::new(title, keys).with_max_lifetime(longest).with_checks(checks);
    let seen = principal.is_ok_and(|principal| principal.certificates.is_some());
    Ok(if seen { inventory } else { inventory.with_unseen(KeyHolder::ServicePrincipal) })
}

impl PolicyMemory {
    /// What the tenant's default policy allows a certificate; whatever cannot be read is unknown and stops nothing.
    async fn allowance(&self, client: &GraphClient, application: &Application) -> Allowance {
        let now = client.clock().elapsed();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, allowance)) = known
            && now.saturating_sub(read_at) < POLICY_FRESH
        {
            return allowance;
        }
        let (allowance, lasts) = match client.default_app_management_policy().await {
            Ok(policy) => {
                let check = policy.asks_for_authority(application.created_at).then(asks_for_authority);
                ((policy.max_certificate_lifetime(application.created_at), check), true)
            }
            // These do not pass by themselves; after others the next call asks again.
            Err(error) => {
                let lasts =
                    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::Unsupported);
                ((None, Some(unknown_policy(&error))), lasts)
            }
        };
        if lasts {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, allowance.clone()));
        }
        allowance
    }
}

fn asks_for_authority() -> Check {
    Check::failed(
        "policy-asks-for-authority",
        "policy on certificates",
        "the tenant's application management policy takes certificates of its own authorities only",
        "ask an administrator for an exception in the policy, or use a federated credential",
    )
    // An assigned policy, which is not read here, may make an exception.
    .as_warning()
}

/// The certificates that sign in, as keys. What signs the tokens of single sign-on is none.
fn issued(all: &[KeyCredential], holder: KeyHolder, checks: &mut CheckReport) -> Vec<IssuedKey> {
    let mut keys = Vec::with_capacity(all.len());
    for one in all.iter().filter(|one| one.usage.as_deref().is_none_or(|usage| usage.eq_ignore_ascii_case("Verify"))) {
        let Some(key) = one.key else {
            checks.push(
                Check::unknown(
                    "certificate-without-id",
                    "certificates",
                    "a certificate is listed without an id, so it can be neither recognised nor removed",
                    "look at it in the portal, and remove it there if it is not used",
                )
                .as_warning(),
            );
            continue;
        };
        let mut issued = IssuedKey::new(key, holder).with_validity(one.starts_at, one.ends_at);
        issued.display_name.clone_from(&one.display_name);
        keys.push(issued);
    }
    keys
}

/// An inventory is never shorter without saying so.
fn unlisted() -> Error {
    Error::new(ErrorKind::Unexpected, "the answer does not list the application's certificates")
        .with_effect(azconnect_core::Effect::None)
        .with_advice("read again; if it goes on, the caller may not see the application's certificates")
}
