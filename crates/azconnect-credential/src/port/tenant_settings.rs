//! The port that keeps the settings of a customer's tenants.

use async_trait::async_trait;
use azconnect_core::{Error, KeyId, Revision, Secret, TenantId};
use time::OffsetDateTime;

use crate::check_report::CheckReport;
use crate::record::ConnectionId;
use crate::records::Revised;
use crate::tenant_settings::TenantSettings;

/// What a page says about a tenant: the whole form, which may be filled in by half.
#[derive(Debug)]
#[non_exhaustive]
pub struct TenantSettingsRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Whether the integration shall be on.
    pub is_enabled: bool,
    /// Who shall act, if somebody was chosen.
    pub acting: Option<ActingChoice>,
    /// The names of the organizations in which the product shall work.
    pub organizations: Vec<String>,
    /// Whether organizations of another directory count too, such as those of a guest's home tenant.
    pub includes_home_tenant: bool,
    /// The revision that the page has shown, so that somebody else's change is not overwritten. Without, the last one counts.
    pub revision: Option<Revision>,
}

/// Who shall act in a tenant's organizations.
#[derive(Debug)]
#[non_exhaustive]
pub enum ActingChoice {
    /// The service principal of a connection, if one was chosen.
    ServicePrincipal(Option<ConnectionId>),
    /// A person, by a personal access token. Without one, the token that is kept already stays.
    PersonalToken(Option<NewPersonalToken>),
}

/// A personal access token that a person gives, and what they say of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewPersonalToken {
    /// The token's text.
    pub token: Secret,
    /// Its public id (`authorizationId`), where it is known.
    pub key: Option<KeyId>,
    /// Its scopes, separated by blanks, where they are known.
    pub scope: Option<String>,
    /// When it ends, where that is known.
    pub ends_at: Option<OffsetDateTime>,
}

/// What became of settings that were to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsOutcome {
    /// They are saved.
    Saved(Box<Revised<TenantSettings>>),
    /// Nothing was changed: the failed checks say which fields stand in the way, and why.
    Blocked(CheckReport),
}

impl TenantSettingsRequest {
    /// Settings that turn the integration off, and name nobody who acts.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            is_enabled: false,
            acting: None,
            organizations: Vec::new(),
            includes_home_tenant: false,
            revision: None,
        }
    }

    /// Turns the integration on.
    #[must_use]
    pub fn enabled(mut self) -> Self {
        self.is_enabled = true;
        self
    }

    /// Says who acts.
    #[must_use]
    pub fn with_acting(mut self, acting: ActingChoice) -> Self {
        self.acting = Some(acting);
        self
    }

    /// Adds an organization by name.
    #[must_use]
    pub fn with_organization(mut self, name: impl Into<String>) -> Self {
        self.organizations.push(name.into());
        self
    }

    /// Includes organizations of another directory.
    #[must_use]
    pub fn with_home_tenant(mut self) -> Self {
        self.includes_home_tenant = true;
        self
    }

    /// Saves only over this revision.
    #[must_use]
    pub fn with_revision(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }
}

impl NewPersonalToken {
    /// A token of which nothing else is known.
    pub fn new(token: Secret) -> Self {
        Self { token, key: None, scope: None, ends_at: None }
    }

    /// Sets its public id.
    #[must_use]
    pub fn with_key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets its scopes, separated by blanks.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Sets when it ends.
    #[must_use]
    pub fn with_ends_at(mut self, ends_at: OffsetDateTime) -> Self {
        self.ends_at = Some(ends_at);
        self
    }
}

impl SettingsOutcome {
    /// What was saved, or an error that names the first field that stands in the way.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), or the kind that the check knows, with effect
    /// [`None`](azconnect_core::Effect::None).
    pub fn saved(self) -> Result<Revised<TenantSettings>, Error> {
        let checks = match self {
            Self::Saved(saved) => return Ok(*saved),
            Self::Blocked(checks) => checks,
        };
        let kind = azconnect_core::ErrorKind::InvalidInput;
        Err(match checks.failures().next() {
            Some(check) => {
                let kind = check.diagnosis.as_ref().map_or(kind, azconnect_core::Diagnosis::kind);
                check.to_error(kind, "the settings are not saved")
            }
            None => Error::new(kind, "the settings are not saved").with_effect(azconnect_core::Effect::None),
        })
    }
}

/// Keeps a product's settings of its customers' tenants: the record, and a sealed personal access token.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::tenant_settings` checks:
/// - `validate` tells everything that stands in the way at once, each check with the field it is about, and changes nothing;
/// - what `validate` blocks `save` does not write, and what was kept before stays;
/// - settings whose integration is on name somebody who acts. A personal access token is proven before it is kept: one that is
///   refused, or that could not be tried, is not kept;
/// - a token that was kept stays until another one takes its place or nobody acts by one any more; then it is forgotten;
/// - settings that somebody else changed since the revision that the page has shown are a
///   [`Conflict`](azconnect_core::ErrorKind::Conflict), and nothing changes;
/// - `forget` may be repeated, and leaves other tenants alone;
/// - no token is in settings, a report, an error or a log.
#[async_trait]
pub trait TenantSettingsKeeper: Send + Sync {
    /// The settings of a tenant, or `None` if there are none.
    async fn get(&self, tenant: TenantId) -> Result<Option<Revised<TenantSettings>>, Error>;

    /// Everything that stands in the way of saving settings, and what is worth knowing. Idempotent, without effect.
    ///
    /// # Errors
    /// If what is kept cannot be read. What the service says is in the report.
    async fn validate(&self, request: &TenantSettingsRequest) -> Result<CheckReport, Error>;

    /// Validates settings, and saves them if nothing stands in the way.
    ///
    /// # Cancel safety
    /// Not cancel safe: either settings may count, and a token may be sealed that none name.
    async fn save(&self, request: TenantSettingsRequest) -> Result<SettingsOutcome, Error>;

    /// Forgets the token of a tenant, then its settings. Idempotent.
    async fn forget(&self, tenant: TenantId) -> Result<(), Error>;
}
