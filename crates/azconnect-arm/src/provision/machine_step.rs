//! The step that creates the machine, and falls back where there is no room for it.

use azconnect_core::{Error, ErrorKind};
use futures_util::future::join;

use super::event::{ProvisionEvent, Step};
use super::failure::Failure;
use super::machine_body::{MachineBody, MachineInput, Security};
use super::state::ProvisionState;
use super::steps::Site;
use crate::error::{Class, Fault};

impl Site<'_> {
    pub(super) async fn create_machine(&self, state: &ProvisionState) -> Result<(), Failure> {
        let Some(placement) = self.plan.placements.get(state.placement) else {
            return Err(Failure::Unknown(Error::new(ErrorKind::Corrupt, "the journal names no placement")));
        };
        if !state.may_exist(Step::Machine) {
            self.refuse_taken_disks(state.placement).await?;
        }
        let access = &self.access(state).await?;
        let input =
            MachineInput { placement, at: state.placement, access, security: Security::of(&self.plan.spec, placement) };
        // The address is read while the machine is created, which saves an exchange at the end. If it fails, it is read
        // then.
        let (outcome, _) = join(self.write_machine(&input, state), self.address()).await;
        let Err(failure) = outcome else { return Ok(()) };
        let error = failure.error();
        let code = error.service_code().unwrap_or_default().to_owned();
        if failure.is_definitive() && code.starts_with("OSProvisioning") {
            // The service gave up waiting, not the machine: deleting it would lose one that comes up later.
            self.warn(format!("{}: {}", error.message(), error.advice()));
            return self.note(ProvisionEvent::Completed { step: Step::Machine, created: true }).await;
        }
        let class = Fault::of(error).map(|fault| fault.class);
        let next = state.placement + 1;
        if class == Some(Class::FallBack) && next < self.plan.placements.len() {
            // From that event on, the machine is intended there.
            self.refuse_taken_disks(next).await?;
            tracing::info!(code, placement = next, "no room for the machine: it is tried elsewhere");
            self.note(ProvisionEvent::FellBack { code, placement: next }).await?;
            self.forget_ended(Step::Machine).await;
            return Ok(());
        }
        Err(failure)
    }

    async fn write_machine(&self, input: &MachineInput<'_>, state: &ProvisionState) -> Result<(), Failure> {
        let body = |security| {
            let input = MachineInput { security, ..*input };
            MachineBody::new(self.plan, &self.ids, &input).map_err(Failure::Definitive)
        };
        let outcome = self.ensure(Step::Machine, self.machine(), &body(input.security)?, state).await;
        match outcome {
            // A subscription without the feature `UseStandardSecurityType` may not say that it wants what it gets anyway.
            Err(Failure::Definitive(error)) if input.security == Security::Standard && is_security_type(&error) => {
                tracing::debug!(%error, "the security type is left out");
                let handle = self.machine().map_err(Failure::Definitive)?;
                let outcome = self.write(Step::Machine, &handle, &body(Security::Unsaid)?).await;
                self.without_password(outcome).await
            }
            outcome => self.without_password(outcome).await,
        }
    }

    /// The outcome without the password, which a refusal may quote.
    async fn without_password(&self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        match outcome {
            Err(Failure::Definitive(error)) if self.plan.spec.windows.is_some() => {
                Err(Failure::Definitive(self.without_secrets(error).await))
            }
            Err(Failure::Unknown(error)) if self.plan.spec.windows.is_some() => {
                Err(Failure::Unknown(self.without_secrets(error).await))
            }
            outcome => outcome,
        }
    }
}

/// Whether a refusal is about the security type.
fn is_security_type(error: &Error) -> bool {
    let target = Fault::of(error).and_then(|fault| fault.target.as_deref());
    error.service_code() == Some("InvalidParameter") && target == Some("securityProfile.securityType")
}
