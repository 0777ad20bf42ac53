//! Probes: ways to find out whether the agent is online.

use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind};

use super::agent_failure::AgentFailure;
use crate::client::{Handle, Pending};
use crate::error::{Class, Fault};
use crate::resource::compute::{RunCommand, RunCommands, VirtualMachines};
use crate::resource::output::ScriptOutput;
use crate::spec::script::{Found, inquiry, log, read};

/// How long a command of an earlier look is waited for to be gone. Its deletion takes ten seconds.
const BUSY_LIMIT: Duration = Duration::from_secs(60);

/// The pause before a second look at a script that has ended without a mark.
const SECOND_LOOK: Duration = Duration::from_secs(5);

/// The pause before the command is sent again.
const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// The machine whose agent is probed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProbeTarget {
    /// The handle of the machine.
    pub machine: Handle<VirtualMachines>,
    /// The region of the machine, such as `westeurope`.
    pub location: String,
    /// The public address of the machine, such as `203.0.113.7`, if it has one.
    pub address: Option<String>,
}

impl ProbeTarget {
    /// A machine in a region, with its public address if it has one.
    pub fn new(machine: Handle<VirtualMachines>, location: &str, address: Option<String>) -> Self {
        Self { machine, location: location.to_owned(), address }
    }
}

/// The finding of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probed {
    /// The agent is online.
    Online,
    /// The agent is not online, but may be later. The text says why, as far as it is known. It goes into messages and the
    /// journal: it holds no output and no secret.
    NotYet(String),
    /// The agent will never be online.
    Failed(AgentFailure),
}

/// Tells whether the agent is online. An error counts as *not yet*.
///
/// What the suite `azconnect_testkit::conformance::agent_probe` enforces: an agent that starts is *not yet* online, with the
/// reason; one that is online is found by every look, if looks are a pause apart; a failed one is never
/// online, and where the probe can see the failure it says why, without the output in any `Debug` or reason; a machine out of
/// reach proves nothing, neither that the agent is online nor that it failed.
#[async_trait]
pub trait AgentProbe: Send + Sync {
    /// Looks once whether the agent is online.
    ///
    /// # Errors
    /// The failure that kept the probe from looking.
    async fn probe(&self, target: &ProbeTarget) -> Result<Probed, Error>;
}

/// The name of the command at the machine.
const COMMAND: &str = "azconnect-agent-probe";

/// Asks inside the machine, by a managed run command, for `cloud-init status` and the exit code of the product's
/// script. Needs no open port.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunCommandProbe;

#[async_trait]
impl AgentProbe for RunCommandProbe {
    async fn probe(&self, target: &ProbeTarget) -> Result<Probed, Error> {
        let command = target.machine.run_command(COMMAND)?;
        let mut found = look(target, &command).await?;
        // The absence of a mark is weak evidence, and a machine is lost if it is wrong: it counts only twice.
        if matches!(found, Found::Failed { code: None, .. }) {
            target.machine.clock().sleep(SECOND_LOOK).await;
            found = look(target, &command).await?;
        }
        Ok(match found {
            Found::Succeeded => {
                // A command that stays is deleted with the machine, so a failure here loses nothing.
                let _ = command.delete().await;
                Probed::Online
            }
            // Not what it wrote to its error output: that is output as well, and this text goes into messages.
            Found::Waiting => Probed::NotYet("the script has not ended yet".to_owned()),
            Found::Failed { code: Some(code), output } => {
                Probed::Failed(AgentFailure::new("the script ended").with_exit_code(code).with_output(output))
            }
            Found::Failed { code: None, output } => {
                Probed::Failed(AgentFailure::new("the script left no exit code").with_output(output))
            }
        })
    }
}

/// The end of what the script of a Linux machine has put out so far.
pub(super) async fn log_so_far(target: &ProbeTarget) -> Result<ScriptOutput, Error> {
    let output = asked(target, &target.machine.run_command(COMMAND)?).await?;
    Ok(ScriptOutput::new(log(output.expose())))
}

/// Looks once, inside the machine.
async fn look(target: &ProbeTarget, command: &Handle<RunCommands>) -> Result<Found, Error> {
    Ok(read(asked(target, command).await?.expose()))
}

/// Sends the inquiry, and returns what it put out.
async fn asked(target: &ProbeTarget, command: &Handle<RunCommands>) -> Result<ScriptOutput, Error> {
    // The service runs a command again only if it differs.
    let script = format!("{}# {}\n", inquiry(), uuid::Uuid::new_v4());
    sent(target, command, &script).await?.wait().await?;
    let view = command.view().await?.properties.instance_view.unwrap_or_default();
    Ok(view.output.unwrap_or_default())
}

/// Sends a command. While the one of the last look is still being deleted, it is refused, and sent again.
async fn sent(target: &ProbeTarget, command: &Handle<RunCommands>, script: &str) -> Result<Pending<RunCommand>, Error> {
    let clock = target.machine.clock();
    let started = clock.elapsed();
    loop {
        match command.run(&target.location, script).await {
            Err(error) if is_busy(&error) && clock.elapsed().saturating_sub(started) < BUSY_LIMIT => {
                tracing::debug!(%error, "the command of the last look is not gone yet");
                clock.sleep(BUSY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether something else goes on with the same resource, and not with the machine.
fn is_busy(error: &Error) -> bool {
    let by_code = matches!(error.service_code(), Some("Conflict"));
    error.kind() == ErrorKind::Conflict
        && (by_code || Fault::of(error).is_some_and(|fault| fault.class == Class::Retry))
}

/// Asks a function of the caller, which may know, for example, whether the agent has phoned home.
pub struct FnProbe<F>(F);

impl<F> FnProbe<F>
where
    F: Fn(&ProbeTarget) -> Probed + Send + Sync,
{
    /// A probe that asks a function, which must return at once.
    pub fn new(function: F) -> Self {
        Self(function)
    }
}

#[async_trait]
impl<F> AgentProbe for FnProbe<F>
where
    F: Fn(&ProbeTarget) -> Probed + Send + Sync,
{
    async fn probe(&self, target: &ProbeTarget) -> Result<Probed, Error> {
        Ok((self.0)(target))
    }
}

/// Opens a TCP connection to a port of the machine's public address.
#[cfg(feature = "tcp")]
#[derive(Clone, Copy, Debug)]
pub struct TcpProbe {
    port: u16,
}

#[cfg(feature = "tcp")]
impl TcpProbe {
    /// A probe of a port. It needs a tokio runtime, and a rule that lets this machine in.
    pub fn new(port: u16) -> Self {
        Self { port }
    }
}

#[cfg(feature = "tcp")]
#[async_trait]
impl AgentProbe for TcpProbe {
    async fn probe(&self, target: &ProbeTarget) -> Result<Probed, Error> {
        let Some(address) = &target.address else {
            return Ok(Probed::Failed(AgentFailure::new("the machine has no public address to connect to")));
        };
        Ok(match tokio::net::TcpStream::connect((address.as_str(), self.port)).await {
            Ok(_) => Probed::Online,
            Err(error) => Probed::NotYet(format!("port {}: {}", self.port, error.kind())),
        })
    }
}
