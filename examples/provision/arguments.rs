//! What the program is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use azconnect::arm::{AgentInstall, Cidr, GroupChoice, ImageChoice, InboundRule, KeyKind, ProvisionId, VmSpec};
use azconnect::core::{Error, ResourceGroupName};
use azconnect_examples::end::EXIT_CODES;
use azconnect_examples::journal::JournalArguments;
use azconnect_examples::place::PlaceArguments;

/// Provision a virtual machine with its agent online, and delete it again.
///
/// By default everything happens on an emulator inside the program.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "provision", version, max_term_width = 80, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Show plan and preflight, and create nothing.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Do not delete the machine in the end.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Write the private key to this file, for its owner alone. With --keep and --state it goes into that folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Only delete what an earlier run of this name created.
    #[arg(long, requires = "state")]
    pub(crate) delete: bool,
    /// Keep journal and sealed keys in a folder, so that a killed run is finished by the next one.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) journal: JournalArguments,
    /// The subscription. With --azure, who signs in comes from AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
    #[arg(long, value_name = "ID", default_value = "22222222-2222-4222-8222-222222222222")]
    pub(crate) subscription: String,
    /// The machine's name.
    #[arg(long, default_value = "web")]
    pub(crate) name: String,
    /// Its region.
    #[arg(long, default_value = "westeurope")]
    pub(crate) location: String,
    /// Its sizes: the first is wanted, the others are fallen back to.
    #[arg(long, default_values = ["Standard_B2s", "Standard_D2s_v5"])]
    pub(crate) size: Vec<String>,
    /// Its image: an alias such as Ubuntu2404, publisher:offer:sku:version, or an id.
    #[arg(long, default_value = "Ubuntu2404")]
    pub(crate) image: String,
    /// Its resource group; created unless it exists.
    #[arg(long, default_value = "rg-web")]
    pub(crate) group: String,
    /// Who may connect by SSH, such as 203.0.113.7/32.
    #[arg(long, value_name = "CIDR")]
    pub(crate) ssh_from: Vec<String>,
    /// Make an RSA key with 4,096 bits in place of an Ed25519 key.
    #[arg(long)]
    pub(crate) rsa: bool,
    /// Show what happens with a size that does not exist.
    #[arg(long)]
    pub(crate) bad_size: bool,
    /// Show what happens in a region without quota.
    #[arg(long)]
    pub(crate) no_quota: bool,
    /// Show an identity that may act in one resource group only.
    #[arg(long, conflicts_with = "azure")]
    pub(crate) group_only: bool,
    /// Show an agent whose script fails.
    #[arg(long, conflicts_with_all = ["azure", "emulator"])]
    pub(crate) failing_agent: bool,
    /// Wait as little as the rules allow. For tests on an emulator.
    #[arg(long, hide = true, conflicts_with = "azure")]
    pub(crate) hurry: bool,
}

impl Arguments {
    /// Refuses what cannot go together, before anything happens.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.place.azure && self.state.is_none() && !self.plan {
            return Err(Error::invalid("--state", "is missing")
                .with_advice("with --azure, name a folder: a run that is killed must find its journal again"));
        }
        self.spec().and_then(|spec| spec.check())
    }

    /// How long the next process waits for the lease of one that was killed.
    pub(crate) fn lease_term(&self) -> Duration {
        match (self.place.azure, self.hurry) {
            (true, _) => Duration::from_secs(60),
            (false, false) => Duration::from_secs(6),
            (false, true) => Duration::from_secs(2),
        }
    }

    /// Under which name the machine is journalled.
    pub(crate) fn id(&self) -> Result<ProvisionId, Error> {
        ProvisionId::new(format!("example/{}", self.name))
    }

    /// Where the private key goes; nowhere if the machine is deleted in the end, unless a file is named.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        let beside =
            || self.state.as_ref().filter(|_| self.keep).map(|folder| folder.join(format!("{}.key", self.name)));
        self.key_file.clone().or_else(beside)
    }

    /// The machine that is wanted.
    pub(crate) fn spec(&self) -> Result<VmSpec, Error> {
        let group = if self.group_only {
            GroupChoice::Existing(ResourceGroupName::new("rg-shared")?)
        } else {
            GroupChoice::Create(ResourceGroupName::new(&self.group)?)
        };
        let sizes = if self.bad_size { vec!["Standard_Nonsense_v9".to_owned()] } else { self.size.clone() };
        let location = if self.no_quota { "northeurope" } else { &self.location };
        let (first, rest) = sizes.split_first().ok_or_else(|| Error::invalid("--size", "is missing"))?;
        let image: ImageChoice = self.image.parse()?;
        let agent = AgentInstall::cloud_init("#!/bin/sh\necho the agent of the product is installed here\n")
            .with_probe_pause(Duration::from_secs(if self.place.azure { 10 } else { 1 }));
        let mut spec = VmSpec::new(&self.name, location, first, image, group)?.with_agent(agent);
        if self.rsa {
            spec = spec.with_admin("azureuser", KeyKind::Rsa4096);
        }
        let sources: Vec<Cidr> = self.ssh_from.iter().map(|text| text.parse()).collect::<Result<_, Error>>()?;
        if !sources.is_empty() {
            spec = spec.with_rule(InboundRule::ssh(sources));
        }
        Ok(rest.iter().fold(spec, |spec, size| spec.with_fallback_size(size)))
    }
}
