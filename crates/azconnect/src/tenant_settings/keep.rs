//! Keeping settings and the token that they name, in an order that a crash cannot harm.

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Revision, SecretId, TenantId};
use azconnect_credential::{
    ActingAs, ActingChoice, CheckReport, LastCheck, NewPersonalToken, Revised, SettingsOutcome, TenantSettings,
    TenantSettingsKeeper, TenantSettingsRequest,
};

use super::{TenantIntegrations, name, sealed};

/// How often an end begins again because the settings were changed meanwhile.
const ATTEMPTS: u32 = 8;

impl TenantIntegrations {
    /// Everything that stands in the way of saving settings, and what is worth knowing, each check with its field. Who is to
    /// act is tried at the organizations. Idempotent, without effect.
    ///
    /// The codes beside those of [`TenantSettingsRequest::check`]: `organization-name`, `cannot-act`,
    /// `connection-of-another-tenant`, `not-let-in`, `unproven`, `let-in`, `organization-of-another-tenant`,
    /// `service-connections-refused`, and those of [`DevOpsClient::organizations`](azconnect_devops::DevOpsClient::organizations).
    ///
    /// # Errors
    /// If the store fails. What Azure DevOps says is in the report.
    pub async fn validate(&self, request: &TenantSettingsRequest) -> Result<CheckReport, Error> {
        let kept = self.get(request.tenant).await?;
        self.judge(request, kept.as_ref().map(|kept| &kept.value)).await
    }

    /// Validates settings; if nothing stands in the way, seals a new token, names it in the settings, and then forgets the
    /// former one, which stays valid at Azure DevOps.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the field `revision` if somebody else saved meanwhile; else if a store fails.
    /// What stands in the way is no error, but [`SettingsOutcome::Blocked`].
    pub async fn save(&self, request: TenantSettingsRequest) -> Result<SettingsOutcome, Error> {
        let kept = self.get(request.tenant).await.map_err(|error| error.with_effect(Effect::None))?;
        let revision = kept.as_ref().map(|kept| kept.revision);
        if request.revision.is_some() && request.revision != revision {
            return Err(changed_meanwhile(request.tenant));
        }
        let former = kept.map(|kept| kept.value);
        let checks = self.judge(&request, former.as_ref()).await.map_err(|error| error.with_effect(Effect::None))?;
        if !checks.is_clear() {
            return Ok(SettingsOutcome::Blocked(checks));
        }
        let settings = self.settings_of(request, former.as_ref(), checks).await?;
        let revision = self.write(&settings, former.as_ref(), revision).await?;
        self.forget_token(former.as_ref(), &settings).await;
        Ok(SettingsOutcome::Saved(Box::new(Revised::new(settings, revision))))
    }

    /// Forgets the personal access token of a tenant, then its settings. The token stays valid at Azure DevOps. Idempotent.
    ///
    /// # Errors
    /// If a store fails. A token that is not the tenant's own is left alone.
    pub async fn forget(&self, tenant: TenantId) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(tenant).await? else { return Ok(()) };
            // The token first: settings without one are seen and ended again, a token without settings is not.
            if let Ok(Some(token)) = sealed::token(&found.value) {
                self.secrets.remove(token).await?;
            }
            match self.records.remove(&name(tenant)?, found.revision).await {
                // Given another token meanwhile, which has to go as well.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                ended => return ended,
            }
        }
        Err(Error::new(ErrorKind::Unavailable, format!("others keep changing the settings of the tenant {tenant}"))
            .with_effect(Effect::None)
            .with_advice("find out what changes them, and try again"))
    }

    async fn settings_of(
        &self,
        request: TenantSettingsRequest,
        former: Option<&TenantSettings>,
        checks: CheckReport,
    ) -> Result<TenantSettings, Error> {
        let now = self.now();
        let mut settings = TenantSettings::new(request.tenant);
        settings.cloud = Some(self.azure.cloud().name().to_owned());
        settings.is_enabled = request.is_enabled;
        settings.organizations = request.organizations;
        settings.includes_home_tenant = request.includes_home_tenant;
        settings.created_at = former.and_then(|former| former.created_at).or(Some(now));
        settings.changed_at = Some(now);
        settings.checked = Some(LastCheck::new(now, checks));
        settings.acting = match request.acting {
            Some(ActingChoice::ServicePrincipal(Some(connection))) => Some(ActingAs::ServicePrincipal { connection }),
            Some(ActingChoice::PersonalToken(Some(token))) => Some(self.seal(request.tenant, token).await?),
            Some(ActingChoice::PersonalToken(None)) => {
                // It must be the tenant's own, and of this cloud, before it is named once more.
                former.map(|former| self.check_cloud(former)).transpose()?;
                former.map(sealed::token).transpose()?;
                former.and_then(|former| former.acting.clone()).filter(is_token)
            }
            _ => None,
        };
        Ok(settings)
    }

    /// Seals a token under a name of its own: a sealed one never changes, so what was sealed before loses nothing.
    async fn seal(&self, tenant: TenantId, given: NewPersonalToken) -> Result<ActingAs, Error> {
        let secret = sealed::owner(tenant).new_name(self.now())?;
        // A copy that may lie there is one that no settings name.
        self.secrets.put(&secret, &given.token).await.map_err(|error| error.with_effect(Effect::None))?;
        Ok(ActingAs::PersonalToken { secret, key: given.key, scope: given.scope, ends_at: given.ends_at })
    }

    /// Writes settings in the place of those that were read. What fails without effect leaves no sealed token behind.
    async fn write(
        &self,
        settings: &TenantSettings,
        former: Option<&TenantSettings>,
        revision: Option<Revision>,
    ) -> Result<Revision, Error> {
        let written = match revision {
            Some(revision) => self.records.replace(settings, revision).await,
            None => self.records.insert(settings).await,
        };
        let error = match written {
            Ok(revision) => return Ok(revision),
            Err(error) if error.kind() == ErrorKind::Conflict => changed_meanwhile(settings.tenant),
            Err(error) if error.effect() == Effect::Unknown => match self.get(settings.tenant).await {
                // Whether it was written is not known: what is there now says.
                Ok(Some(now)) if now.value == *settings => return Ok(now.revision),
                Ok(now) if now.as_ref().map(|now| now.revision) == revision => error.with_effect(Effect::None),
                // Nobody knows: the settings may name the token, so that it stays.
                _ => return Err(error),
            },
            Err(error) => error,
        };
        if error.effect() == Effect::None {
            let none = TenantSettings::new(settings.tenant);
            self.forget_token(Some(settings).filter(|new| former.is_none_or(|old| old.token() != new.token())), &none)
                .await;
        }
        Err(error)
    }

    /// Forgets the token that settings named, unless others name it now. One that stays is found by a sweep.
    async fn forget_token(&self, named_by: Option<&TenantSettings>, now: &TenantSettings) {
        let Some(token) = named_by.and_then(|settings| sealed::token(settings).ok().flatten()) else { return };
        if Some(token) != now.token() {
            self.remove(token).await;
        }
    }

    async fn remove(&self, token: &SecretId) {
        if let Err(error) = self.secrets.remove(token).await {
            tracing::warn!(%token, %error, "a sealed token that no settings name could not be forgotten");
        }
    }
}

#[async_trait]
impl TenantSettingsKeeper for TenantIntegrations {
    async fn get(&self, tenant: TenantId) -> Result<Option<Revised<TenantSettings>>, Error> {
        Self::get(self, tenant).await
    }

    async fn validate(&self, request: &TenantSettingsRequest) -> Result<CheckReport, Error> {
        Self::validate(self, request).await
    }

    async fn save(&self, request: TenantSettingsRequest) -> Result<SettingsOutcome, Error> {
        Self::save(self, request).await
    }

    async fn forget(&self, tenant: TenantId) -> Result<(), Error> {
        Self::forget(self, tenant).await
    }
}

fn is_token(acting: &ActingAs) -> bool {
    matches!(acting, ActingAs::PersonalToken { .. })
}

fn changed_meanwhile(tenant: TenantId) -> Error {
    Error::new(ErrorKind::Conflict, format!("somebody else changed the settings of the tenant {tenant} meanwhile"))
        .with_field("revision")
        .with_effect(Effect::None)
        .with_advice("read the settings again, and repeat what is still wanted")
}
