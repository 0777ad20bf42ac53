//! What is to be set up at a customer's.

mod address;
mod certificate;
mod check;
mod place;

use std::time::Duration;

use azconnect_core::{ClientId, Error, PrincipalObjectId, TenantId};
use serde::{Deserialize, Serialize};

pub use address::{Platform, RedirectUri};
pub use certificate::PublicCertificate;
pub use check::SpecFault;
pub use place::{GroupWish, RoleId, SubscriptionAccess};

use crate::permission::ApiPermission;

/// How long a client secret lives unless another life is wished for.
const USUAL_LIFE: Duration = Duration::from_secs(180 * 86_400);

/// Who may sign in to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetupAudience {
    /// Accounts of its own tenant.
    #[default]
    OwnTenant,
    /// Accounts of any tenant: for a product whose customers' people sign in.
    AnyTenant,
}

/// Whose tokens an application accepts in place of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FederatedTrust {
    /// The issuer of the tokens: exactly their `iss` claim.
    pub issuer: String,
    /// Whom the tokens speak for: exactly their `sub` claim.
    pub subject: String,
    /// The audience of the tokens: exactly their `aud` claim.
    pub audience: String,
}

impl FederatedTrust {
    /// A trust with the audience that Microsoft recommends in the public cloud.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        let audience = "api://AzureADTokenExchange".to_owned();
        Self { issuer: issuer.into(), subject: subject.into(), audience }
    }

    /// Sets the audience of the tokens.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }
}

/// What the application signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialWish {
    /// A client secret, minted here and sealed in the secret store.
    Secret {
        /// How long it lives.
        lifetime: Duration,
    },
    /// A certificate whose private key stays where it is.
    Certificate {
        /// Its public part.
        certificate: PublicCertificate,
    },
    /// The tokens of another issuer: nothing is stored, and nothing expires.
    Federated {
        /// Whose tokens.
        trust: FederatedTrust,
    },
}

/// What is to be set up at a customer's: an application, what it signs in with, and what it may do. It holds no secret.
///
/// ```
/// use std::time::Duration;
/// use azconnect_setup::{CredentialWish, GroupWish, SetupSpec, SubscriptionAccess};
///
/// let access = SubscriptionAccess::new("20000000-0000-4000-8000-000000000001".parse()?)
///     .with_group(GroupWish::create("rg-builds".parse()?, "westeurope".parse()?));
/// let spec = SetupSpec::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?, "Contoso builds")
///     .with_access(access)
///     .with_credential(CredentialWish::Secret { lifetime: Duration::from_secs(90 * 86_400) });
/// spec.check()?;
///
/// let wrong = SetupSpec::new(spec.tenant, " ").with_credential(CredentialWish::Secret { lifetime: Duration::ZERO });
/// let fields: Vec<_> = wrong.faults().into_iter().map(|fault| fault.field).collect();
/// assert_eq!(fields, ["display_name", "credential.lifetime"]);
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupSpec {
    /// The tenant in which the application is registered.
    pub tenant: TenantId,
    /// The name that the portal shows. It proves nothing: others may have it too.
    pub display_name: String,
    /// An application that exists and is to be used as it is, rather than a new one.
    pub application: Option<ClientId>,
    /// Who may sign in to it.
    pub audience: SetupAudience,
    /// Where sign-ins may lead back to.
    pub redirect_uris: Vec<RedirectUri>,
    /// The permissions of other services that it asks for.
    pub permissions: Vec<ApiPermission>,
    /// Whether it is to ask for `User.Read` of Microsoft Graph no longer.
    pub without_user_read: bool,
    /// Who owns it beside the operator: people or service principals.
    pub owners: Vec<PrincipalObjectId>,
    /// What it signs in with.
    pub credential: CredentialWish,
    /// What it may do in a subscription.
    pub access: Option<SubscriptionAccess>,
    /// Whether to consent to its permissions for the whole tenant, where the operator may.
    pub admin_consent: bool,
}

impl SetupSpec {
    /// A new application of a name for accounts of its own tenant, with a client secret that lives for 180 days, and nothing
    /// that it may do.
    pub fn new(tenant: TenantId, display_name: impl Into<String>) -> Self {
        Self {
            tenant,
            display_name: display_name.into(),
            application: None,
            audience: SetupAudience::default(),
            redirect_uris: Vec::new(),
            permissions: Vec::new(),
            without_user_read: false,
            owners: Vec::new(),
            credential: CredentialWish::Secret { lifetime: USUAL_LIFE },
            access: None,
            admin_consent: false,
        }
    }

    /// Uses an application that exists. What is added to it is taken back by an undo, and the application stays.
    #[must_use]
    pub fn with_application(mut self, client: ClientId) -> Self {
        self.application = Some(client);
        self
    }

    /// Sets who may sign in to a new application.
    #[must_use]
    pub fn with_audience(mut self, audience: SetupAudience) -> Self {
        self.audience = audience;
        self
    }

    /// Adds an address to which a sign-in may lead back.
    #[must_use]
    pub fn with_redirect_uri(mut self, platform: Platform, address: impl Into<String>) -> Self {
        self.redirect_uris.push(RedirectUri::new(platform, address));
        self
    }

    /// Adds a permission that it asks for.
    #[must_use]
    pub fn with_permission(mut self, permission: ApiPermission) -> Self {
        self.permissions.push(permission);
        self
    }

    /// Has it ask for `User.Read` of Microsoft Graph no longer.
    #[must_use]
    pub fn without_user_read(mut self) -> Self {
        self.without_user_read = true;
        self
    }

    /// Adds an owner: the object id of a person or of a service principal.
    #[must_use]
    pub fn with_owner(mut self, owner: PrincipalObjectId) -> Self {
        self.owners.push(owner);
        self
    }

    /// Sets what it signs in with.
    #[must_use]
    pub fn with_credential(mut self, credential: CredentialWish) -> Self {
        self.credential = credential;
        self
    }

    /// Sets what it may do in a subscription.
    #[must_use]
    pub fn with_access(mut self, access: SubscriptionAccess) -> Self {
        self.access = Some(access);
        self
    }

    /// Consents to its permissions for the whole tenant, where the operator may.
    #[must_use]
    pub fn with_admin_consent(mut self) -> Self {
        self.admin_consent = true;
        self
    }

    /// Everything that is wrong with it, field by field.
    pub fn faults(&self) -> Vec<SpecFault> {
        check::faults(self)
    }

    /// Refuses what the services would refuse, or would take and never match. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) whose message names every bad field, and whose field is the
    /// first of them.
    pub fn check(&self) -> Result<(), Error> {
        check::refused(self.faults())
    }
}
