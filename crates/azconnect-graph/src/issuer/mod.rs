//! The issuer of one application's secrets.

pub(crate) mod checks;
pub(crate) mod unseen;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, ErrorKind, KeyId};
use azconnect_credential::{
    Check, CheckReport, CredentialIssuer, Inventory, IssuedKey, KeyHolder, MintRequest, Minted, Retirement, SubjectId,
};

use self::checks::{about_application, about_principal, certificates_only, passwords_forbidden, unknown_policy};
use self::unseen::service_principal;
use crate::application::{Application, Audience};
use crate::client::GraphClient;
use crate::holder::PasswordHolder;
use crate::password::{NewPassword, PasswordCredential};

/// How many passwords an application may hold that personal accounts may sign in to.
const PERSONAL_KEY_LIMIT: usize = 2;

/// How long a policy that was read is not read again.
const POLICY_FRESH: Duration = Duration::from_secs(15 * 60);

/// Mints and retires the client secrets of one application.
///
/// It mints on the application, lists the passwords of application and service principal, since both authenticate, and
/// removes exactly the key it is given from whichever of the two holds it. A service principal that may not be read or is
/// not found is [unseen](Inventory::unseen): a key that it may hold is never called gone.
pub struct GraphIssuer {
    client: GraphClient,
    application: ClientId,
    subject: SubjectId,
    acting: Option<ClientId>,
    assigned_policies: bool,
    policy: Mutex<Option<(Duration, Allowance)>>,
}

/// What the tenant's policies allow, as far as they could be read.
#[derive(Clone, Debug, Default)]
struct Allowance {
    max_lifetime: Option<Duration>,
    check: Option<Check>,
}

impl GraphIssuer {
    /// The issuer for an application, by its client id.
    ///
    /// # Errors
    /// Never, as things are: every client id is also a valid [`SubjectId`].
    pub fn new(client: GraphClient, application: ClientId) -> Result<Self, Error> {
        let subject = SubjectId::of_application(application)?;
        Ok(Self { client, application, subject, acting: None, assigned_policies: false, policy: Mutex::default() })
    }

    /// Says which application the client's tokens are for. If it is the same, its secrets are the issuer's own.
    #[must_use]
    pub fn with_acting_client(mut self, acting: ClientId) -> Self {
        self.acting = Some(acting);
        self
    }

    /// Reads the policy assigned to the application too, which goes before the tenant's default one. It costs one more
    /// request now and then. Without it an exception for this application is not seen: then a default policy that
    /// forbids secrets is a warning only, and its limit is kept although a longer life may be allowed.
    #[must_use]
    pub fn with_assigned_policies(mut self, read: bool) -> Self {
        self.assigned_policies = read;
        self
    }

    /// What the policies allow. They change seldom and each costs a request, so they are asked for once in a while;
    /// whatever cannot be read is unknown and stops nothing.
    async fn allowance(&self, application: &Application) -> Allowance {
        let now = self.client.clock().elapsed();
        let known = self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, allowance)) = known
            && now.saturating_sub(read_at) < POLICY_FRESH
        {
            return allowance;
        }
        match self.read_allowance(application).await {
            Ok(allowance) => {
                let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
                *policy = Some((now, allowance.clone()));
                allowance
            }
            // Not remembered: such an error may pass, so the next call asks again.
            Err(error) => Allowance { max_lifetime: None, check: Some(unknown_policy(&error)) },
        }
    }

    async fn read_allowance(&self, application: &Application) -> Result<Allowance, Error> {
        let unknown = |error: Error| match error.kind() {
            // These do not pass by themselves, so they are an answer that is remembered like any other.
            ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::Unsupported => {
                Ok(Allowance { max_lifetime: None, check: Some(unknown_policy(&error)) })
            }
            _ => Err(error),
        };
        let default = match self.client.default_app_management_policy().await {
            Ok(policy) => policy,
            Err(error) => return unknown(error),
        };
        let assigned = match self.assigned_policies {
            true => self.client.app_management_policies(application.id).await,
            false => Ok(Vec::new()),
        };
        let assigned = match assigned {
            Ok(policies) => policies,
            Err(error) => return unknown(error),
        };
        // An assigned policy takes the place of the default one, also where it allows more.
        let in_force = assigned.iter().find(|policy| policy.is_enabled).unwrap_or(&default);
        let created_at = application.created_at;
        Ok(Allowance {
            max_lifetime: in_force.max_lifetime(created_at),
            check: in_force.forbids_passwords(created_at).then(|| passwords_forbidden(self.assigned_policies)),
        })
    }
}

#[async_trait]
impl CredentialIssuer for GraphIssuer {
    fn subject(&self) -> &SubjectId {
        &self.subject
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        let application = self.client.application_by_client_id(self.application).await?;
        let principal = service_principal(&self.client, self.application).await?;
        let allowance = self.allowance(&application).await;
        let mut checks = CheckReport::new();
        let mut keys = issued(&application.passwords, KeyHolder::Application, &mut checks);
        checks.extend(about_application(&application));
        match &principal {
            Ok(principal) => {
                keys.extend(issued(&principal.passwords, KeyHolder::ServicePrincipal, &mut checks));
                checks.extend(about_principal(principal));
            }
            Err(unseen) => checks.push(unseen.check()),
        }
        if keys.is_empty() && application.certificates.as_ref().is_some_and(|all| !all.is_empty()) {
            checks.push(certificates_only());
        }
        checks.extend(allowance.check);
        let title = application.display_name.unwrap_or_else(|| self.application.to_string());
        let personal = application.audience.as_ref().is_some_and(Audience::includes_personal);
        let inventory = Inventory::new(title, keys)
            .with_key_limit(personal.then_some(PERSONAL_KEY_LIMIT))
            .with_max_lifetime(allowance.max_lifetime)
            .with_issuer_signs_in_with_these(self.acting == Some(self.application))
            .with_checks(checks);
        Ok(if principal.is_ok() { inventory } else { inventory.with_unseen(KeyHolder::ServicePrincipal) })
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let wish = NewPassword::new(request.marker.clone(), request.ends_at);
        let added = self.client.add_password(PasswordHolder::ApplicationOf(self.application), &wish).await?;
        Ok(Minted::new(added.key, added.secret, added.ends_at).with_holder(KeyHolder::Application))
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        let application = PasswordHolder::ApplicationOf(self.application);
        let (retirement, effect) = self.client.removal(application, key).await?;
        if retirement == Retirement::Accepted {
            return Ok(retirement);
        }
        // Asked of the service principal only if that lists the key: a caller who may not read it may not remove there.
        match service_principal(&self.client, self.application).await? {
            Ok(principal) if principal.passwords.iter().any(|password| password.key == Some(key)) => {
                self.client.remove_password(principal.id, key).await
            }
            Ok(_) => Ok(Retirement::NotListed),
            Err(unseen) => Err(unseen.error(effect, "graph.service_principal.remove_password")),
        }
    }
}

impl fmt::Debug for GraphIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphIssuer")
            .field("client", &self.client)
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

/// The passwords as keys; one without an id cannot be a key, and is reported.
fn issued(passwords: &[PasswordCredential], holder: KeyHolder, checks: &mut CheckReport) -> Vec<IssuedKey> {
    let mut keys = Vec::with_capacity(passwords.len());
    for password in passwords {
        let Some(key) = password.key else {
            checks.push(
                Check::unknown(
                    "password-without-id",
                    "passwords",
                    "a password is listed without an id, so it can be neither recognised nor removed",
                    "look at it in the portal, and remove it there if it is not used",
                )
                .as_warning(),
            );
            continue;
        };
        let mut issued = IssuedKey::new(key, holder).with_validity(password.starts_at, password.ends_at);
        issued.display_name.clone_from(&password.display_name);
        keys.push(issued);
    }
    keys
}
