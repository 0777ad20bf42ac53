//! Virtual machines: what they are beyond their documents.

use std::time::Duration;

use super::agent::{AgentScript, Guest};
use crate::base::moment::Moment;

/// Whether a machine runs, and whether it holds cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Power {
    #[default]
    Creating,
    Running,
    Stopped,
    Deallocated,
}

impl Power {
    /// The code of its status, such as `PowerState/running`, and the words for it.
    pub(crate) fn status(self) -> (&'static str, &'static str) {
        match self {
            Self::Creating => ("PowerState/starting", "VM starting"),
            Self::Running => ("PowerState/running", "VM running"),
            Self::Stopped => ("PowerState/stopped", "VM stopped"),
            Self::Deallocated => ("PowerState/deallocated", "VM deallocated"),
        }
    }
}

/// What happens inside a machine, which its document does not show.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) power: Power,
    /// Whether its disk was declared to be an image: such a machine never starts again.
    pub(crate) generalized: bool,
    /// When its system began to start.
    pub(crate) started: Option<Moment>,
    pub(crate) user_data: Option<Vec<u8>>,
    /// As it was sent, to see whether a later write changes it.
    pub(crate) custom_data: Option<String>,
    pub(crate) agent: AgentScript,
    /// What the administrator of a Windows machine signs in with.
    pub(crate) admin_password: Option<String>,
    /// When cloud-init first ran: it runs once in the life of a machine.
    pub(crate) first_boot: Option<Duration>,
}

impl Machine {
    pub(crate) fn is_deallocated(&self) -> bool {
        self.power == Power::Deallocated
    }

    /// When the guest agent answers; never while the machine does not run.
    pub(crate) fn agent_ready(&self) -> Option<Duration> {
        let started = self.started.filter(|_| self.power == Power::Running)?;
        Some(started.elapsed.saturating_add(self.agent.boot))
    }

    /// The inside at a moment, if the guest agent answers then.
    pub(crate) fn guest<'a>(&'a self, id: &'a str, now: Duration) -> Option<Guest<'a>> {
        let ready = self.agent_ready().filter(|ready| *ready <= now)?;
        // Restarting does not run cloud-init again, so its time counts from the first boot.
        let first = self.first_boot.unwrap_or(ready).saturating_add(self.agent.boot).min(ready);
        Some(Guest {
            script: &self.agent,
            machine: id,
            user_data: self.user_data.as_deref(),
            up: now.saturating_sub(first),
        })
    }
}
