//! Which platform this process runs on.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};

use super::app_service::{self, AppService};
use super::arc_agent::ArcAgent;
use super::cloud_shell::CloudShell;
use super::identity::ManagedIdentityId;
use super::imds::Imds;
use super::machine_learning::{self, MachineLearning};
use super::platform::Platform;
use crate::available::{Availability, Variables};
use crate::chain::Presence;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// Where the agent of Azure Arc is installed on Linux.
const ARC_PROGRAM: &str = "/opt/azcmagent/bin/himds";

/// The platforms that give their processes an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManagedPlace {
    /// A virtual machine, a scale set, a container instance, or nothing of the others.
    VirtualMachine,
    /// An App Service, a function or a container app.
    AppService,
    /// A job of Azure Machine Learning.
    MachineLearning,
    /// Azure Cloud Shell.
    CloudShell,
    /// A machine outside Azure with the agent of Azure Arc.
    ArcMachine,
}

impl fmt::Display for ManagedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VirtualMachine => "virtual machine",
            Self::AppService => "App Service",
            Self::MachineLearning => "Azure Machine Learning",
            Self::CloudShell => "Azure Cloud Shell",
            Self::ArcMachine => "Azure Arc",
        })
    }
}

/// Signs in with the managed identity of wherever this process runs.
#[derive(Clone)]
pub struct ManagedIdentity {
    place: ManagedPlace,
    source: Arc<dyn TokenSource>,
    /// What tells whether it is here, where the variables do not.
    presence: Option<Imds>,
}

impl ManagedIdentity {
    /// Finds out by its variables where this process runs, such as `|name| std::env::var(name).ok()`. Nothing is sent.
    ///
    /// | Variables | Platform |
    /// |---|---|
    /// | `IDENTITY_ENDPOINT`, `IDENTITY_HEADER` | App Service, Functions, Container Apps |
    /// | `MSI_ENDPOINT`, `MSI_SECRET` | Azure Machine Learning |
    /// | `MSI_ENDPOINT` | Cloud Shell |
    /// | `IDENTITY_ENDPOINT`, `IMDS_ENDPOINT`, or the agent is installed | Azure Arc |
    /// | none of them | a virtual machine: whether it is one of Azure's, shows when it is asked |
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the variable, or `identity`, as field for what the platform cannot be asked;
    /// [`Unsupported`](ErrorKind::Unsupported) on Service Fabric, whose endpoint needs a certificate of its own to be trusted.
    pub async fn detect(
        platform: &Platform,
        identity: ManagedIdentityId,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync,
    ) -> Result<Self, Error> {
        let arc = arc_agent(platform, &lookup).await;
        let variables = Variables::new(&lookup);
        let endpoint = variables.find(app_service::ENDPOINT);
        let older = variables.find(machine_learning::ENDPOINT);
        match (endpoint, variables.find_secret(app_service::HEADER), older) {
            (Some(_), Some(_), _) if variables.find("IDENTITY_SERVER_THUMBPRINT").is_some() => Err(service_fabric()),
            (Some(endpoint), Some(header), _) => {
                let source = AppService::new(platform, identity, &endpoint, header)?;
                Ok(Self::at(ManagedPlace::AppService, source))
            }
            (_, _, Some(endpoint)) => match variables.find_secret(machine_learning::SECRET) {
                Some(secret) => {
                    let source = MachineLearning::new(platform, identity, &endpoint, secret)?;
                    Ok(Self::at(ManagedPlace::MachineLearning, source))
                }
                None => Ok(Self::at(ManagedPlace::CloudShell, CloudShell::new(platform, &identity, &endpoint)?)),
            },
            _ => match arc {
                Some(found) => found.agent(platform, &identity).map(|agent| Self::at(ManagedPlace::ArcMachine, agent)),
                None => Ok(Self::of_virtual_machine(Imds::new(platform, identity))),
            },
        }
    }

    /// The identity of a virtual machine.
    pub fn of_virtual_machine(imds: Imds) -> Self {
        Self { presence: Some(imds.clone()), ..Self::at(ManagedPlace::VirtualMachine, imds) }
    }

    /// Where this process runs.
    pub fn place(&self) -> ManagedPlace {
        self.place
    }

    fn at(place: ManagedPlace, source: impl TokenSource + 'static) -> Self {
        Self { place, source: Arc::new(source), presence: None }
    }
}

/// What is known of an agent of Azure Arc.
struct ArcFound {
    address: Option<String>,
    folder: Option<String>,
}

impl ArcFound {
    fn agent(self, platform: &Platform, identity: &ManagedIdentityId) -> Result<ArcAgent, Error> {
        let agent = ArcAgent::new(platform, identity)?;
        let agent = match &self.address {
            Some(address) => agent.with_address(address)?,
            None => agent,
        };
        Ok(match &self.folder {
            Some(data) => agent.with_key_folder(Path::new(data).join("AzureConnectedMachineAgent").join("Tokens")),
            None => agent,
        })
    }
}

async fn arc_agent(platform: &Platform, lookup: &(dyn Fn(&str) -> Option<String> + Send + Sync)) -> Option<ArcFound> {
    let find = |name: &str| Variables::new(&lookup).find(name);
    let windows = |name: &str| if cfg!(windows) { find(name) } else { None };
    let folder = windows("ProgramData");
    if let (Some(address), Some(_)) = (find(app_service::ENDPOINT), find("IMDS_ENDPOINT")) {
        return Some(ArcFound { address: Some(address), folder });
    }
    let program = match windows("ProgramFiles") {
        Some(programs) => Path::new(&programs).join("AzureConnectedMachineAgent").join("himds.exe"),
        None => Path::new(ARC_PROGRAM).to_owned(),
    };
    let installed = platform.files().resolve(&program).await.is_ok();
    installed.then_some(ArcFound { address: None, folder })
}

fn service_fabric() -> Error {
    Error::new(ErrorKind::Unsupported, "the managed identity of Service Fabric is not supported")
        .with_effect(Effect::None)
        .with_advice(
            "sign in with a certificate, or with a source of your own: its endpoint needs a certificate pinned",
        )
}

#[async_trait]
impl TokenSource for ManagedIdentity {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        self.source.fetch(request).await
    }
}

#[async_trait]
impl Presence for ManagedIdentity {
    /// Where the platform named itself by its variables, it is here; a virtual machine is asked.
    async fn presence(&self) -> Result<Availability<()>, Error> {
        match &self.presence {
            Some(imds) => imds.presence().await,
            None => Ok(Availability::Here(())),
        }
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedIdentity").field("place", &self.place).finish_non_exhaustive()
    }
}
