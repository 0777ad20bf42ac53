//! The company's rule, in front of any machines: changes happen in a change window only.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::arm::ResourceId;
use azconnect::arm::port::{MachineStatus, MachineSummary, Machines, StopMode};
use azconnect::core::{Effect, Error, ErrorKind};

/// Machines behind the rule. Looking is always allowed.
pub struct ChangeWindow {
    machines: Arc<dyn Machines>,
    is_open: bool,
}

impl ChangeWindow {
    /// Machines that are changed only inside a change window, outside of it.
    pub fn closed(machines: Arc<dyn Machines>) -> Self {
        Self { machines, is_open: false }
    }

    /// The same machines inside a change window.
    pub fn open(machines: Arc<dyn Machines>) -> Self {
        Self { machines, is_open: true }
    }

    fn permit(&self) -> Result<(), Error> {
        if self.is_open {
            return Ok(());
        }
        // Refused before anything was sent, so the product knows that nothing happened.
        Err(Error::new(ErrorKind::PermissionDenied, "no change window is open")
            .with_effect(Effect::None)
            .with_advice("wait for the window of tonight, or ask the change board for one"))
    }
}

#[async_trait]
impl Machines for ChangeWindow {
    async fn list(&self) -> Result<Vec<MachineSummary>, Error> {
        self.machines.list().await
    }

    async fn status(&self, machine: &ResourceId) -> Result<MachineStatus, Error> {
        self.machines.status(machine).await
    }

    async fn start(&self, machine: &ResourceId) -> Result<(), Error> {
        self.permit()?;
        self.machines.start(machine).await
    }

    async fn stop(&self, machine: &ResourceId, mode: StopMode) -> Result<(), Error> {
        self.permit()?;
        self.machines.stop(machine, mode).await
    }

    async fn restart(&self, machine: &ResourceId) -> Result<(), Error> {
        self.permit()?;
        self.machines.restart(machine).await
    }

    async fn delete(&self, machine: &ResourceId) -> Result<(), Error> {
        self.permit()?;
        self.machines.delete(machine).await
    }
}
