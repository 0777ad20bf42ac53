//! The records of who receives a secret, changed while others change them too.

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, KeyId, TenantId};
use azconnect_credential::{ApplicationBindings, Binding, BindingRecords, RecordPage, RecordQuery, Revised};

use super::{Bindings, name, unknown};

/// How often a change begins again because another one came before it.
const ATTEMPTS: u32 = 8;

impl Bindings {
    /// The consumers of an application, or `None` if nothing was ever bound. Nothing is opened or sent.
    ///
    /// # Errors
    /// If the store fails, or the record cannot be read.
    pub async fn get(&self, application: ClientId) -> Result<Option<ApplicationBindings>, Error> {
        Ok(self.records.get(&name(application)?).await?.map(|found| found.value))
    }

    /// A page of the applications, in order of their ids. Nothing is opened or sent.
    ///
    /// # Errors
    /// If the store fails. A record that cannot be read is in [`RecordPage::unreadable`].
    pub async fn list(&self, query: &RecordQuery) -> Result<RecordPage<ApplicationBindings>, Error> {
        self.records.list(query).await
    }

    /// Binds a consumer of an application, or changes how it is bound. Nothing is opened or sent: whether the consumer is there
    /// is looked at by [`Bindings::states`]. Idempotent.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the field `tenant` for an application that is bound in another tenant;
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what a record cannot hold; else if the store fails.
    pub async fn bind(
        &self,
        application: ClientId,
        tenant: TenantId,
        binding: Binding,
    ) -> Result<ApplicationBindings, Error> {
        self.change(application, |found| {
            let held = found.unwrap_or_else(|| ApplicationBindings::new(application, tenant));
            if held.tenant != tenant {
                return Err(another_tenant(&held, tenant));
            }
            Ok(held.with(binding.clone()))
        })
        .await
    }

    /// Unbinds the consumer of a [name](azconnect_credential::BoundConsumer::name). It keeps the secret that it holds. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was ever bound to the application; else if the store fails.
    pub async fn unbind(&self, application: ClientId, name: &str) -> Result<ApplicationBindings, Error> {
        self.change(application, |found| Ok(found.ok_or_else(|| unknown(application))?.without(name))).await
    }

    /// Hands over keys that were minted by hand: all of them from now on. They are removed once a new secret is in place.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was ever bound to the application; else if the store fails.
    pub async fn adopt(&self, application: ClientId, keys: &[KeyId]) -> Result<ApplicationBindings, Error> {
        self.change(application, |found| {
            let mut held = found.ok_or_else(|| unknown(application))?;
            held.adopted.clear();
            Ok(keys.iter().fold(held, |held, key| held.with_adopted(*key)))
        })
        .await
    }

    /// Changes a record as it is now, as often as others come before.
    pub(super) async fn change(
        &self,
        application: ClientId,
        change: impl Fn(Option<ApplicationBindings>) -> Result<ApplicationBindings, Error> + Send + Sync,
    ) -> Result<ApplicationBindings, Error> {
        let id = name(application)?;
        for _ in 0..ATTEMPTS {
            let before = self.records.get(&id).await.map_err(|error| error.with_effect(Effect::None))?;
            let revision = before.as_ref().map(|before| before.revision);
            let before = before.map(|before| before.value);
            let mut after = change(before.clone())?;
            after.check()?;
            if before.as_ref() == Some(&after) {
                return Ok(after);
            }
            after.changed_at = Some(self.azure.pipeline().clock().now());
            let written = match revision {
                Some(revision) => self.records.replace(&after, revision).await,
                None => self.records.insert(&after).await,
            };
            match written {
                Ok(_) => return Ok(after),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                // Whether it was written is not known: what is there now says.
                Err(error) if error.effect() == Effect::Unknown => match self.records.get(&id).await {
                    Ok(Some(Revised { value, .. })) if value == after => return Ok(after),
                    Ok(now) if now.as_ref().map(|now| now.revision) == revision => {
                        return Err(error.with_effect(Effect::None));
                    }
                    _ => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, format!("others keep changing the bindings of {application}"))
            .with_effect(Effect::None)
            .with_advice("find out what changes them, and try again"))
    }
}

#[async_trait]
impl BindingRecords for Bindings {
    async fn get(&self, application: ClientId) -> Result<Option<ApplicationBindings>, Error> {
        Self::get(self, application).await
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<ApplicationBindings>, Error> {
        Self::list(self, query).await
    }

    async fn bind(
        &self,
        application: ClientId,
        tenant: TenantId,
        binding: Binding,
    ) -> Result<ApplicationBindings, Error> {
        Self::bind(self, application, tenant, binding).await
    }

    async fn unbind(&self, application: ClientId, name: &str) -> Result<ApplicationBindings, Error> {
        Self::unbind(self, application, name).await
    }

    async fn adopt(&self, application: ClientId, keys: &[KeyId]) -> Result<ApplicationBindings, Error> {
        Self::adopt(self, application, keys).await
    }
}

pub(super) fn another_tenant(held: &ApplicationBindings, tenant: TenantId) -> Error {
    let message =
        format!("the application {} is bound in the tenant {}, and not in {tenant}", held.application, held.tenant);
    Error::new(ErrorKind::Conflict, message)
        .with_field("tenant")
        .with_effect(Effect::None)
        .with_advice("bind it in the tenant in which its secrets are minted")
}
