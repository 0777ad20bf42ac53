//! How the product's agent gets into the machine.

use std::time::Duration;

use azconnect_core::{Error, SecretId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::script::{self, wrapped};

/// The largest script of an extension, in bytes. The service takes 256 KiB in base64.
const EXTENSION_LIMIT: usize = 256 * 1024 / 4 * 3;

/// How the agent is installed, and how long it may take to come online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentInstall {
    pub(super) way: Way,
    /// The longest time from the machine's creation until the agent is online.
    // Journals that were written under the field's first name stay readable.
    #[serde(alias = "deadline")]
    pub time_limit: Duration,
    /// The pause between two probes of whether the agent is online.
    #[serde(alias = "every")]
    pub probe_pause: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    CloudInit(String),
    Extension(ExtensionScript),
}

/// A script for the extension *CustomScript*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExtensionScript {
    /// A script without secrets, in the extension's settings.
    Plain(String),
    /// A script with secrets, sealed in the secret store by the caller under the name that
    /// [`ProvisionId::script_secret`](crate::ProvisionId::script_secret) gives; any other name is refused. It goes into the
    /// protected settings, which the service encrypts for the machine and never shows again.
    Sealed(SecretId),
}

impl AgentInstall {
    /// Installs by cloud-init at the first start, which is fastest. The script begins with `#!` and must hold no
    /// secret.
    pub fn cloud_init(script: impl Into<String>) -> Self {
        Self::new(Way::CloudInit(script.into()))
    }

    /// Installs by the extension *CustomScript* after the machine is up. The script may hold secrets.
    ///
    /// For Windows it is one of PowerShell. It stops at the first error, and fails if the last program that it ran ended with
    /// another code than 0: a script that expects such a code, as that of `robocopy`, ends with `exit 0`. Without
    /// [`Provisioner::with_probe`](crate::Provisioner::with_probe) nobody looks whether the agent is online, and a warning says so.
    pub fn extension(script: ExtensionScript) -> Self {
        Self::new(Way::Extension(script))
    }

    fn new(way: Way) -> Self {
        Self { way, time_limit: Duration::from_secs(1200), probe_pause: Duration::from_secs(10) }
    }

    /// Sets the longest time until the agent is online; 20 minutes by default.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Sets the pause between probes; 10 seconds by default.
    #[must_use]
    pub fn with_probe_pause(mut self, probe_pause: Duration) -> Self {
        self.probe_pause = probe_pause;
        self
    }

    pub(crate) fn extension_script(&self) -> Option<&ExtensionScript> {
        match &self.way {
            Way::Extension(script) => Some(script),
            Way::CloudInit(_) => None,
        }
    }

    pub(super) fn check(&self, is_windows: bool) -> Result<(), Error> {
        match &self.way {
            Way::Extension(ExtensionScript::Plain(text)) if is_windows => script::powershell(text).map(|_| ()),
            Way::Extension(ExtensionScript::Plain(text)) => check_extension_script(text),
            _ => Ok(()),
        }
    }
}

/// Checks the length of an extension's script.
pub(crate) fn check_extension_script(text: &str) -> Result<(), Error> {
    // The wrapper that keeps its outcome is sent with it.
    if text.is_empty() || Zeroizing::new(wrapped(text)).len() > EXTENSION_LIMIT {
        return Err(Error::invalid("agent_script", "is empty or, as it is sent, larger than 192 KiB")
            .with_advice("let the script download what is large"));
    }
    Ok(())
}
