//! What a machine is signed in to with, besides a key pair: the password of a Windows machine's administrator.

use azconnect_core::{Effect, Error, ErrorKind, Secret, SecretId, SecretStore};
use uuid::Uuid;

use super::event::ProvisionEvent;
use super::failure::Failure;
use super::id::ProvisionId;
use super::plan::ProvisionPlan;
use super::recorder::Recorder;
use super::state::ProvisionState;
use super::steps::Site;
use crate::key::{SshKey, read_public};
use crate::password;

impl ProvisionId {
    /// The name under which the password is sealed, `machine/ID/password`.
    pub(super) fn password_secret(&self) -> Result<SecretId, Error> {
        SecretId::new(format!("machine/{self}/password"))
    }
}

impl ProvisionState {
    /// Whether what the machine is signed in to with is in the secret store.
    pub(super) fn is_sealed(&self) -> bool {
        self.public_key.is_some() || self.password_sealed
    }
}

/// What the body of a machine's write needs to let its administrator in.
pub(super) enum Access {
    /// The public key, for Linux.
    PublicKey(String),
    /// The password, for Windows.
    Password(Secret),
}

/// Seals a password, then journals that it is. One that was sealed before a crash is used, never replaced.
pub(super) async fn seal_password(
    secrets: &dyn SecretStore,
    plan: &ProvisionPlan,
    recorder: &Recorder,
) -> Result<(), Error> {
    let name = plan.id.password_secret()?;
    if secrets.get(&name).await?.is_none() {
        secrets.put(&name, &password::generate(&plan.spec.admin)?).await?;
    }
    recorder.record(ProvisionEvent::PasswordSealed { password: Uuid::new_v4().to_string() }).await
}

impl Site<'_> {
    /// What lets the administrator in, from the secret store.
    pub(super) async fn access(&self, state: &ProvisionState) -> Result<Access, Failure> {
        if self.plan.spec.windows.is_none() {
            return self.public_key(state).await.map(Access::PublicKey);
        }
        let name = self.plan.id.password_secret().map_err(Failure::Definitive)?;
        let sealed = self.secrets.get(&name).await.map_err(Failure::Unknown)?;
        sealed.filter(|_| state.password_sealed).map(Access::Password).ok_or_else(|| {
            Failure::Unknown(
                Error::new(ErrorKind::Corrupt, "the password that the journal says is sealed is not there")
                    .with_field("password")
                    .with_effect(Effect::None)
                    .with_advice("restore the journal and the secrets from one backup, or clean the machine up and build it anew"),
            )
        })
    }

    /// The public half of the sealed private key. Whoever can change the journal's copy would otherwise be let in.
    async fn public_key(&self, state: &ProvisionState) -> Result<String, Failure> {
        let known = match &self.plan.spec.public_key {
            Some(own) => Some(read_public(own).map_err(Failure::Definitive)?.0),
            None => {
                let sealed = self.secrets.get(&self.plan.key).await.map_err(Failure::Unknown)?;
                sealed.map(SshKey::read).transpose().map_err(Failure::Unknown)?.map(|key| key.public)
            }
        };
        known.filter(|public| state.public_key.as_ref() == Some(public)).ok_or_else(|| {
            let error =
                Error::new(ErrorKind::Corrupt, "the journal's public key is not that of the sealed private key")
                    .with_field("public_key")
                    .with_effect(Effect::None)
                    .with_advice(
                        "restore the journal and the secrets from a backup, or clean the machine up and build it anew",
                    );
            Failure::Unknown(error)
        })
    }
}
