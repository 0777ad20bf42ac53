//! The agent of a machine, without a machine.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azconnect_arm::provision::{AgentProbe, ProbeTarget, Probed};
use azconnect_core::Error;

use super::Faults;

/// An agent whose progress the test decides. Clones are the same agent.
///
/// A failure is scripted with [`Agent::faults`], whose only kind of call is `()`: a look.
#[derive(Clone, Debug)]
pub struct Agent {
    found: Arc<Mutex<Probed>>,
    faults: Faults<()>,
}

impl Agent {
    /// An agent of which every look finds the same, until [`Agent::set`].
    pub fn new(found: Probed) -> Self {
        Self { found: Arc::new(Mutex::new(found)), faults: Faults::new() }
    }

    /// Changes what the next look finds.
    pub fn set(&self, found: Probed) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// The failures of looks, to script more or to end them.
    pub fn faults(&self) -> &Faults<()> {
        &self.faults
    }
}

#[async_trait]
impl AgentProbe for Agent {
    async fn probe(&self, _: &ProbeTarget) -> Result<Probed, Error> {
        self.faults.read(&(), || Ok(self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}
