//! What the program is asked to do.

use std::path::PathBuf;

use azconnect::arm::{Cidr, FleetSpec, GroupChoice, InboundRule, ProvisionId, VmSpec};
use azconnect::core::{Error, ResourceGroupName};
use azconnect_examples::end::EXIT_CODES;
use azconnect_examples::place::PlaceArguments;

/// Build several machines that share a network, and delete them again.
///
/// By default everything happens on an emulator inside the program.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "fleet", version, max_term_width = 80, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Show plan and preflight, and create nothing.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Do not delete the machines in the end.
    #[arg(long)]
    pub(crate) keep: bool,
    /// How many machines.
    #[arg(long, default_value_t = 3)]
    pub(crate) machines: usize,
    /// Keep journal and sealed keys in a folder, so that a killed run is finished by the next one.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The subscription. With --azure, who signs in comes from AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
    #[arg(long, value_name = "ID", default_value = "22222222-2222-4222-8222-222222222222")]
    pub(crate) subscription: String,
    /// What the machines' names begin with.
    #[arg(long, default_value = "shop")]
    pub(crate) name: String,
    /// Their region.
    #[arg(long, default_value = "westeurope")]
    pub(crate) location: String,
    /// Their size.
    #[arg(long, default_value = "Standard_B2s")]
    pub(crate) size: String,
    /// Their resource group; created unless it exists.
    #[arg(long, default_value = "rg-shop")]
    pub(crate) group: String,
    /// Who may connect by SSH.
    #[arg(long, value_name = "CIDR", default_values = ["203.0.113.7/32"])]
    pub(crate) ssh_from: Vec<String>,
}

impl Arguments {
    /// Refuses what cannot go together, before anything happens.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.place.azure && self.state.is_none() && !self.plan {
            return Err(Error::invalid("--state", "is missing")
                .with_advice("with --azure, name a folder: a run that is killed must find its journal again"));
        }
        if self.state.is_some() && !self.place.azure && self.place.emulator.is_none() {
            return Err(Error::invalid("--state", "is of no use: the emulator inside the program ends with it")
                .with_advice("leave it out, or work on Azure or a running emulator (--azure, --emulator)"));
        }
        self.spec().and_then(|spec| spec.check())
    }

    /// Under which name the fleet is journalled.
    pub(crate) fn id(&self) -> Result<ProvisionId, Error> {
        ProvisionId::new(format!("example/{}", self.name))
    }

    /// The machines that are wanted: alike but for their names.
    pub(crate) fn spec(&self) -> Result<FleetSpec, Error> {
        let group = GroupChoice::Create(ResourceGroupName::new(&self.group)?);
        let sources: Vec<Cidr> = self.ssh_from.iter().map(|text| text.parse()).collect::<Result<_, Error>>()?;
        let machine = VmSpec::new(&self.name, &self.location, &self.size, "Ubuntu2404".parse()?, group)?;
        Ok(FleetSpec::of(&machine.with_rule(InboundRule::ssh(sources)), self.machines))
    }
}
