//! The password of a Windows machine's administrator, for its owner: given as often as it is asked for, until it is forgotten.

use azconnect_core::{Effect, Error, ErrorKind};

use super::id::ProvisionId;
use super::plan::ProvisionPlan;
use super::provisioner::{Provisioner, absent};
use super::recorder::Recorder;
use crate::password::AdminPassword;

impl Provisioner {
    /// The password of a Windows machine's administrator. It stays sealed: keep it elsewhere, and then call
    /// [`Provisioner::forget_admin_password`], so that a crash in between loses nothing.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no machine yet, its password was forgotten, or it has a key instead.
    pub async fn admin_password(&self, id: &ProvisionId) -> Result<AdminPassword, Error> {
        // Before the password: if another machine is begun in between, its password comes under an id that is not its own, and
        // nothing forgets it.
        let state = self.state(id).await?;
        let plan = self.machine_of(&state)?;
        require_windows(&plan)?;
        let sealed = self.secrets.get(&plan.id.password_secret()?).await?;
        let password =
            sealed.ok_or_else(|| absent("the password was forgotten", "use the copy that was kept, or reset it"))?;
        Ok(AdminPassword { id: state.password_id, password })
    }

    /// Destroys the sealed password of a Windows machine's administrator, once it is kept elsewhere. The name is that of the
    /// password which is kept, [`AdminPassword::id`]: a machine that was built anew under this name has another password, which
    /// a late confirmation must not destroy. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no machine yet, or it has a key instead; [`Conflict`](ErrorKind::Conflict)
    /// with the field `password_id` if the machine's password is another one, and while another process works on the machine.
    pub async fn forget_admin_password(&self, id: &ProvisionId, password_id: &str) -> Result<(), Error> {
        let recorder = Recorder::open(&self.ports, id).await?;
        let forgotten = async {
            let state = recorder.state();
            let plan = self.machine_of(&state)?;
            require_windows(&plan)?;
            if state.password_id != password_id.trim() {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "the machine has another password than the one that is kept",
                )
                .with_effect(Effect::None)
                .with_field("password_id")
                .with_advice("read the password, keep it elsewhere, and confirm the id of that one"));
            }
            recorder.renew().await?;
            self.secrets.remove(&plan.id.password_secret()?).await
        };
        let outcome = forgotten.await;
        recorder.close().await;
        outcome
    }
}

/// Refuses to look for the password of a machine that has a key.
fn require_windows(plan: &ProvisionPlan) -> Result<(), Error> {
    match plan.spec.windows {
        Some(_) => Ok(()),
        None => Err(absent("a machine with Linux has no password", "ask for its key with Provisioner::private_key")),
    }
}
