//! The agent's part of a provisioning: the extension that installs it, the wait until it is online, and what its failure says.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use azconnect_core::{Error, ErrorKind, Retry, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::{Either, select};
use zeroize::Zeroizing;

use super::agent_failure::{AgentFailure, Told};
use super::event::{ProvisionEvent, Step};
use super::extension_body::Extension;
use super::failure::Failure;
use super::mask::Masker;
use super::probe::{AgentProbe, ProbeTarget, Probed, RunCommandProbe, log_so_far};
use super::state::ProvisionState;
use super::steps::Site;
use crate::client::Handle;
use crate::error::Fault;
use crate::resource::compute::VirtualMachines;
use crate::resource::output::ScriptOutput;
use crate::spec::{AgentInstall, ExtensionScript, check_extension_script, script};

/// The name of the extension that brings the agent.
const EXTENSION: &str = "azconnect-agent";

/// The largest part of an output that is kept, in characters.
const OUTPUT_LIMIT: usize = 4096;

/// How a person comes to see what the script put out. It is journalled with the error, which holds no output itself.
const LOOK: &str = "correct the script by its output (AgentFailure::output of the error that this run returned; in a machine \
    that was kept, /var/log/azconnect-agent.log), then provision again";

/// The same for an agent that is late. Its script may still run.
const LOOK_SO_FAR: &str = "look at what its script has put out so far (AgentFailure::output of the error that this run returned), \
    or give the agent more time (AgentInstall::with_time_limit)";

/// How long the log of a late agent is waited for. A look takes some seconds, and one more if another has not ended.
const LOG_LIMIT: Duration = Duration::from_secs(90);

/// What is not known of a Windows agent without a probe.
const UNSEEN: &str = "nobody looked whether the agent is online: of Windows only the end of its script was seen; \
    set Provisioner::with_probe to look";

impl Site<'_> {
    pub(super) async fn create_extension(&self, state: &ProvisionState) -> Result<(), Failure> {
        let Some(script) = self.plan.spec.agent.as_ref().and_then(AgentInstall::extension_script) else {
            return self.skip(Step::Extension).await;
        };
        let (text, sealed) = match script {
            ExtensionScript::Plain(text) => (Secret::new(text.as_str()), false),
            ExtensionScript::Sealed(id) => {
                let secret = self.secrets.get(id).await.map_err(Failure::Unknown)?;
                let missing = || Error::invalid("agent_script", format!("nothing is sealed as {id}"));
                (secret.ok_or_else(missing).map_err(Failure::Definitive)?, true)
            }
        };
        // The check of the specification could not see a sealed script.
        check_extension_script(text.expose()).map_err(Failure::Definitive)?;
        let is_windows = self.plan.spec.windows.is_some();
        let text = match is_windows {
            true => script::powershell(text.expose()).map_err(Failure::Definitive)?,
            false => Zeroizing::new(BASE64.encode(Zeroizing::new(script::wrapped(text.expose())).as_bytes())),
        };
        let body = match is_windows {
            true => Extension::windows(self.plan, &text),
            false => Extension::new(self.plan, &text, sealed),
        };
        let body = body.after_failures(state.extension_failures);
        let machine = self.machine().map_err(Failure::Definitive)?;
        match self.ensure(Step::Extension, machine.extension(EXTENSION), &body, state).await {
            Err(Failure::Definitive(error)) => Err(Failure::Definitive(self.extension_failed(error, &machine).await)),
            Err(Failure::Unknown(error)) => Err(Failure::Unknown(self.without_secrets(error).await)),
            Ok(()) => Ok(()),
        }
    }

    /// The error of an extension that failed, with what its script put out.
    async fn extension_failed(&self, error: Error, machine: &Handle<VirtualMachines>) -> Error {
        // The service's message quotes the output as well.
        let quoted = Fault::of(&error).map(|fault| fault.service_message().to_owned()).unwrap_or_default();
        let shown = machine.instance_view().await.ok().and_then(|view| view.output_of(EXTENSION));
        let output = shown.filter(|output| !output.is_empty());
        let output = output.as_ref().map_or(quoted.as_str(), |output| output.expose());
        let failure = AgentFailure::new("the script of the extension ended").with_output(output);
        let failure = match exit_code(&quoted).or_else(|| exit_code(output)) {
            Some(code) => failure.with_exit_code(code),
            // Refused, or out of time: there is no outcome of a script to tell.
            None => return self.without_secrets(error).await,
        };
        let message = format!("{}: {failure}", error.message());
        self.told(error.with_message(message).with_advice(LOOK), failure).await
    }

    pub(super) async fn await_agent(&self) -> Result<(), Failure> {
        let Some(agent) = &self.plan.spec.agent else { return self.skip(Step::Agent).await };
        if self.plan.spec.windows.is_some() && self.probe.is_none() {
            // The extension was complete only when the script had ended well, and the probe of our own asks a shell. The machine
            // is finished with a warning that says so.
            return self.note(ProvisionEvent::Completed { step: Step::Agent, created: false }).await;
        }
        let machine = self.machine().map_err(Failure::Definitive)?;
        let address = self.address().await.map_err(Failure::Unknown)?;
        let target = ProbeTarget::new(machine, &self.plan.spec.location, address);
        let own: Arc<dyn AgentProbe> = Arc::new(RunCommandProbe);
        let probe = self.probe.as_ref().unwrap_or(&own);
        let started = self.clock.elapsed();
        loop {
            let rest = agent.time_limit.saturating_sub(self.clock.elapsed().saturating_sub(started));
            // A probe that hangs must not outlast the time that the agent has.
            let looked = match select(probe.probe(&target), self.clock.sleep(rest)).await {
                Either::Left((looked, _)) => looked,
                Either::Right(_) => Ok(Probed::NotYet("the last look had not ended".to_owned())),
            };
            let last = match looked {
                Ok(Probed::Online) => {
                    // An agent is no resource that a clean-up would delete.
                    return self.note(ProvisionEvent::Completed { step: Step::Agent, created: false }).await;
                }
                Ok(Probed::Failed(failure)) => {
                    let error = Error::new(ErrorKind::Unavailable, format!("the agent did not start: {failure}"))
                        .in_operation("arm.agent.probe")
                        .with_retry(Retry::No)
                        .with_advice(LOOK);
                    return Err(Failure::Definitive(self.told(error, failure).await));
                }
                Ok(Probed::NotYet(reason)) => reason,
                Err(error) => error.to_string(),
            };
            let elapsed = self.clock.elapsed().saturating_sub(started);
            if elapsed.saturating_add(agent.probe_pause) > agent.time_limit {
                let seconds = agent.time_limit.as_secs();
                let message = format!("the agent is not online after {seconds} s: {}", tail(&last));
                let error =
                    Error::new(ErrorKind::Timeout, message).in_operation("arm.agent.probe").with_advice(LOOK_SO_FAR);
                let output = self.output_so_far(&target).await;
                let failure =
                    AgentFailure::new(format!("it is not online after {seconds} s")).with_output(output.expose());
                return Err(Failure::Definitive(self.told(error, failure).await));
            }
            self.clock.sleep(agent.probe_pause).await;
        }
    }

    /// What the script has put out so far; empty where that cannot be read, since the agent is late all the same.
    async fn output_so_far(&self, target: &ProbeTarget) -> ScriptOutput {
        let read = async {
            match self.plan.spec.windows.is_some() {
                true => Ok(target.machine.instance_view().await?.output_of(EXTENSION).unwrap_or_default()),
                false => log_so_far(target).await,
            }
        };
        match select(std::pin::pin!(read), self.clock.sleep(LOG_LIMIT)).await {
            Either::Left((Ok(output), _)) => output,
            Either::Left((Err(error), _)) => {
                tracing::debug!(%error, "the log of a late agent cannot be read");
                ScriptOutput::default()
            }
            Either::Right(_) => ScriptOutput::default(),
        }
    }

    /// The sentences on what went wrong without making it fail, for whoever gets the machine.
    pub(super) fn told_warning(&self) -> Option<String> {
        let told = self.warning.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Asked at the end, rather than noted on the way, so that a crash in between loses nothing.
        let unseen = self.plan.spec.agent.is_some() && self.plan.spec.windows.is_some() && self.probe.is_none();
        let sentences: Vec<String> = told.into_iter().chain(unseen.then(|| UNSEEN.to_owned())).collect();
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }

    /// The error with the agent's failure as its source. What is sealed for the machine is hidden in the output.
    async fn told(&self, error: Error, failure: AgentFailure) -> Error {
        let masker = self.masker().await;
        let failure = match &masker {
            Some(masker) => {
                failure.hiding(|reason| masker.hide_in_message(reason), |output| tail(&masker.hide(output)))
            }
            None => failure.hiding(str::to_owned, |output| {
                let withheld = "(withheld: what is sealed for this machine could not be opened, and so not be hidden)";
                if output.is_empty() { String::new() } else { withheld.to_owned() }
            }),
        };
        let error = hidden(error, masker.as_ref());
        let fault = Fault::of(&error).map(|fault| fault.rewritten(str::to_owned));
        error.with_source(Told { failure, fault })
    }

    /// The error without anything that is sealed for the machine, which the service may have quoted.
    pub(super) async fn without_secrets(&self, error: Error) -> Error {
        hidden(error, self.masker().await.as_ref())
    }

    /// Hides what is sealed for this machine. `None` if it cannot be opened: then nothing is known to be free of it.
    async fn masker(&self) -> Option<Masker> {
        let is_windows = self.plan.spec.windows.is_some();
        let mut masker = if is_windows { Masker::for_windows() } else { Masker::default() };
        if is_windows {
            let name = self.plan.id.password_secret().ok()?;
            // One that was forgotten is kept elsewhere, and this process does not know it.
            if let Some(password) = self.secrets.get(&name).await.ok()? {
                masker.add(&password);
            }
        }
        if let Some(ExtensionScript::Sealed(script)) =
            self.plan.spec.agent.as_ref().and_then(AgentInstall::extension_script)
        {
            masker.add(&self.secrets.get(script).await.ok().flatten()?);
        }
        Some(masker)
    }
}

/// The error with what a masker knows hidden in every text that the service may have filled in.
fn hidden(error: Error, masker: Option<&Masker>) -> Error {
    let in_account = |text: &str| masker.map_or_else(String::new, |masker| masker.hide(text));
    let in_message = |text: &str| masker.map_or_else(|| text.to_owned(), |masker| masker.hide_in_message(text));
    // Of a code, no more than a part that is certainly secret: a word of it may be one of the script's.
    let fault = Fault::of(&error).map(|fault| {
        let mut hidden = fault.rewritten(in_account);
        hidden.code = in_message(&fault.code);
        hidden
    });
    let (message, advice) = (in_message(error.message()), in_message(error.advice()));
    let code = error.service_code().map(in_message);
    // The service's own words may quote what the script put out.
    let error = error.with_message(message).with_advice(advice).without_service_text();
    let error = code.into_iter().fold(error, Error::with_service_code);
    fault.into_iter().fold(error, Error::with_source)
}

/// The exit code in the message of a custom script that failed, such as `terminated with exit status=7`.
fn exit_code(message: &str) -> Option<i64> {
    // The handler of Linux, and that of Windows.
    let known = ["exit status=", "exit code of: '", "exit code: '"];
    let (_, rest) = known.iter().find_map(|words| message.split_once(words))?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).and_then(|end| rest.get(..end)).unwrap_or(rest);
    digits.parse().ok()
}

/// The end of an output.
fn tail(output: &str) -> String {
    let output = output.trim();
    let skip = output.chars().count().saturating_sub(OUTPUT_LIMIT);
    output.chars().skip(skip).collect()
}
