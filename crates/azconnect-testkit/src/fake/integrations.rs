//! The settings of a product's tenants, without Azure DevOps or a store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Diagnosis, Effect, Error, ErrorKind, Revision, Secret, SecretId, TenantId};
use azconnect_credential::{
    ActingAs, ActingChoice, Check, CheckReport, LastCheck, Revised, SettingsOutcome, TenantSettings,
    TenantSettingsKeeper, TenantSettingsRequest,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Faults;

/// A kind of call behind [`Integrations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntegrationStep {
    /// Asking Azure DevOps whether somebody is let in.
    SignIn,
    /// Writing to the product's store.
    Store,
}

/// Keeps settings in memory, and accepts the tokens that a test names. Every service principal is let in. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Integrations {
    world: Arc<Mutex<World>>,
    faults: Faults<IntegrationStep>,
}

#[derive(Debug, Default)]
struct World {
    accepted: Vec<Secret>,
    kept: BTreeMap<TenantId, (TenantSettings, Revision)>,
    tokens: BTreeMap<String, Secret>,
    written: u64,
}

impl Integrations {
    /// Integrations without settings, which accept no token.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<IntegrationStep> {
        &self.faults
    }

    /// Accepts a personal access token from now on.
    pub fn accept(&self, token: Secret) {
        self.world().accepted.push(token);
    }

    /// How many tokens the store holds.
    pub fn kept(&self) -> usize {
        self.world().tokens.len()
    }

    fn try_token(&self, token: &Secret) -> Option<Check> {
        let accepted = self.faults.read(&IntegrationStep::SignIn, || {
            Ok(self.world().accepted.iter().any(|accepted| accepted.same_as(token)))
        });
        let known = match accepted {
            Ok(true) => return None,
            Ok(false) => Diagnosis::new(ErrorKind::Unauthenticated, "Azure DevOps does not accept the token"),
            Err(error) => error.into_diagnosis(),
        };
        let known = known.with_field("acting.token").with_effect(Effect::None);
        Some(
            Check::failed("not-let-in", "who acts", known.message().to_owned(), "give another token")
                .with_diagnosis(known),
        )
    }

    fn judge(&self, request: &TenantSettingsRequest) -> CheckReport {
        let kept = self.world().kept.get(&request.tenant).map(|(settings, _)| settings.clone());
        let mut checks = request.check(kept.as_ref(), OffsetDateTime::UNIX_EPOCH);
        if let (Some(ActingChoice::PersonalToken(Some(given))), true) = (&request.acting, checks.is_clear()) {
            checks.extend(self.try_token(&given.token));
        }
        checks
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TenantSettingsKeeper for Integrations {
    async fn get(&self, tenant: TenantId) -> Result<Option<Revised<TenantSettings>>, Error> {
        Ok(self.world().kept.get(&tenant).map(|(settings, revision)| Revised::new(settings.clone(), *revision)))
    }

    async fn validate(&self, request: &TenantSettingsRequest) -> Result<CheckReport, Error> {
        Ok(self.judge(request))
    }

    async fn save(&self, request: TenantSettingsRequest) -> Result<SettingsOutcome, Error> {
        let former = self.get(request.tenant).await?;
        if request.revision.is_some() && request.revision != former.as_ref().map(|former| former.revision) {
            return Err(Error::new(ErrorKind::Conflict, "somebody else changed the settings meanwhile")
                .with_field("revision")
                .with_effect(Effect::None)
                .with_advice("read the settings again, and repeat what is still wanted"));
        }
        let checks = self.judge(&request);
        if !checks.is_clear() {
            return Ok(SettingsOutcome::Blocked(checks));
        }
        let former = former.and_then(|former| former.value.acting);
        let mut settings = TenantSettings::new(request.tenant);
        settings.is_enabled = request.is_enabled;
        settings.organizations = request.organizations;
        settings.includes_home_tenant = request.includes_home_tenant;
        settings.checked = Some(LastCheck::new(OffsetDateTime::UNIX_EPOCH, checks));
        let mut new = None;
        settings.acting = match request.acting {
            Some(ActingChoice::ServicePrincipal(Some(connection))) => Some(ActingAs::ServicePrincipal { connection }),
            Some(ActingChoice::PersonalToken(None)) => {
                former.filter(|former| matches!(former, ActingAs::PersonalToken { .. }))
            }
            Some(ActingChoice::PersonalToken(Some(given))) => {
                let secret = SecretId::new(format!("tenant-settings/{}/{}", request.tenant, Uuid::new_v4()))?;
                new = Some((secret.to_string(), given.token));
                Some(ActingAs::PersonalToken { secret, key: given.key, scope: given.scope, ends_at: given.ends_at })
            }
            _ => None,
        };
        self.faults.write(&IntegrationStep::Store, || {
            let mut world = self.world();
            world.written += 1;
            let revision = Revision(world.written);
            let former = world.kept.insert(settings.tenant, (settings.clone(), revision));
            world.tokens.extend(new);
            if let Some(token) = former.as_ref().and_then(|(former, _)| former.token())
                && Some(token) != settings.token()
            {
                world.tokens.remove(token.as_str());
            }
            Ok(SettingsOutcome::Saved(Box::new(Revised::new(settings, revision))))
        })
    }

    async fn forget(&self, tenant: TenantId) -> Result<(), Error> {
        self.faults.write(&IntegrationStep::Store, || {
            let mut world = self.world();
            if let Some((settings, _)) = world.kept.remove(&tenant)
                && let Some(token) = settings.token()
            {
                world.tokens.remove(token.as_str());
            }
            Ok(())
        })
    }
}
