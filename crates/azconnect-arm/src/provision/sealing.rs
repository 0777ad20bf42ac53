//! The key pair of a machine: made while the network is created if making it takes long, and sealed before the machine.

use azconnect_core::{Effect, Error, ErrorKind, SecretStore};
use futures_channel::oneshot::{self, Receiver};

use super::credential::seal_password;
use super::event::ProvisionEvent;
use super::plan::ProvisionPlan;
use super::recorder::Recorder;
use super::state::{Phase, ProvisionState};
use crate::key::{KeyKind, SshKey, read_public};

/// A key pair on its way into the secret store.
pub(super) struct Sealing<'a> {
    secrets: &'a dyn SecretStore,
    plan: &'a ProvisionPlan,
    making: Option<Receiver<Result<SshKey, Error>>>,
}

impl<'a> Sealing<'a> {
    /// Begins to make a key that takes long, on a thread of its own: seconds of computing would hold up the caller's runtime.
    /// A store that cannot be read shows here, before anything is created.
    pub(super) async fn begin(
        secrets: &'a dyn SecretStore,
        plan: &'a ProvisionPlan,
        state: &ProvisionState,
    ) -> Result<Self, Error> {
        // What is about to be deleted needs no key.
        let is_open = matches!(state.phase, Phase::Building | Phase::Failed) && !state.is_sealed();
        let is_wanted = is_open && plan.makes_key_slowly() && secrets.get(&plan.key).await?.is_none();
        let making = if is_wanted { Some(make(plan.spec.key)?) } else { None };
        Ok(Self { secrets, plan, making })
    }

    /// Seals the key pair, then journals its public half. A key that was sealed before a crash is used, never replaced.
    pub(super) async fn seal(&mut self, recorder: &Recorder) -> Result<(), Error> {
        if self.plan.spec.windows.is_some() {
            return seal_password(self.secrets, self.plan, recorder).await;
        }
        if let Some(own) = &self.plan.spec.public_key {
            let (public, fingerprint) = read_public(own)?;
            return recorder.record(ProvisionEvent::KeySealed { public, fingerprint }).await;
        }
        let key = match self.secrets.get(&self.plan.key).await? {
            Some(private) => SshKey::read(private)?,
            None => {
                let key = match self.making.take() {
                    Some(making) => making.await.map_err(|_| stopped())??,
                    None => SshKey::generate(self.plan.spec.key)?,
                };
                self.secrets.put(&self.plan.key, &key.private).await?;
                key
            }
        };
        recorder.record(ProvisionEvent::KeySealed { public: key.public, fingerprint: key.fingerprint }).await
    }
}

impl ProvisionPlan {
    /// Whether a key pair is made for the machine that takes seconds of computing.
    pub(super) fn makes_key_slowly(&self) -> bool {
        self.spec.windows.is_none() && self.spec.public_key.is_none() && self.spec.key == KeyKind::Rsa4096
    }
}

fn make(kind: KeyKind) -> Result<Receiver<Result<SshKey, Error>>, Error> {
    let (sender, making) = oneshot::channel();
    let work = move || {
        // Whoever waited may be gone: then the key is overwritten, and another one is made for whoever goes on.
        let _ = sender.send(SshKey::generate(kind));
    };
    std::thread::Builder::new().name("azconnect-key".to_owned()).spawn(work).map(|_| making).map_err(|_| stopped())
}

fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "no key could be made: this machine lets no thread run for it")
        .with_effect(Effect::None)
        .with_advice("resume it once the machine has room, or use a key of the kind Ed25519")
}
