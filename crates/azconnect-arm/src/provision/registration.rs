//! Registers a resource provider that a write turns out to need, where the role allows it.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};

use super::failure::Failure;
use super::steps::Site;

/// How long a registration is waited for. It takes a minute or two.
const REGISTRATION_LIMIT: Duration = Duration::from_secs(600);

/// The pause between two looks at a registration.
const REGISTRATION_PAUSE: Duration = Duration::from_secs(10);

/// How often a write is refused for a provider that is registered, before that is believed: not every region knows it at once.
const LATE_REGIONS: u32 = 12;

impl Site<'_> {
    /// Registers the provider of a resource whose write was refused for the lack of it, and waits until it is registered: once
    /// for each provider, however many writes wait for it. Afterwards the write is sent again. `refused` counts its refusals.
    ///
    /// # Errors
    /// The refusal itself, if something else is behind it; that of the registration, with the command that an administrator
    /// runs.
    pub(super) async fn register_for(&self, id: &str, refusal: Error, refused: u32) -> Result<(), Failure> {
        let mut parts = id.split('/');
        let namespace = parts.find(|part| part.eq_ignore_ascii_case("providers")).and_then(|_| parts.next());
        let Some(namespace) = namespace.filter(|_| refused <= LATE_REGIONS) else {
            return Err(Failure::of_refusal(refusal));
        };
        // Held while it is registered: other writes that were refused for the same lack wait, and find it done.
        let mut registered = self.registered.lock().await;
        if registered.contains(namespace) {
            drop(registered);
            self.clock.sleep(REGISTRATION_PAUSE).await;
            return Ok(());
        }
        tracing::info!(namespace, "the subscription is not registered for the resource provider: it is registered now");
        self.recorder.renew().await.map_err(Failure::Unknown)?;
        self.subscription.register(namespace).await.map_err(Failure::of_refusal)?;
        let started = self.clock.elapsed();
        while !self.subscription.provider(namespace).await.map_err(Failure::of_refusal)?.is_registered() {
            if self.clock.elapsed().saturating_sub(started) > REGISTRATION_LIMIT {
                let error = Error::new(ErrorKind::Timeout, format!("{namespace} is still being registered"))
                    .with_effect(Effect::Unknown)
                    .with_advice("wait until the portal shows the provider as registered");
                return Err(Failure::Unknown(error));
            }
            self.clock.sleep(REGISTRATION_PAUSE).await;
        }
        registered.insert(namespace.to_owned());
        Ok(())
    }
}
