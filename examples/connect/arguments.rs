//! What the program is asked to do.

use std::path::PathBuf;

use azconnect::core::Error;
use azconnect_examples::end::EXIT_CODES;
use azconnect_examples::journal::JournalArguments;
use azconnect_examples::place::PlaceArguments;

/// Connect a customer's subscription: check what was entered, save it, list it with its expiry, test it, rotate its secret,
/// disconnect.
///
/// By default on an emulator inside the program. The secret comes from AZURE_CLIENT_SECRET or from a question that shows
/// nothing of what is typed; it is never an argument, since other processes can read those.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "connect", version, max_term_width = 80, after_help = EXIT_CODES)]
#[command(group(clap::ArgGroup::new("scene").args(["group_only", "expired", "wrong_subscription", "no_role"])))]
#[command(group(clap::ArgGroup::new("elsewhere").args(["azure", "emulator", "seed"]).multiple(true).conflicts_with("scene")))]
pub struct Arguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    /// What the product calls the connection.
    #[arg(long, default_value = "contoso")]
    pub name: String,
    /// The tenant, by its GUID or its name, such as contoso.onmicrosoft.com.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// The client id of the application that signs in.
    #[arg(long, value_name = "ID")]
    pub client: Option<String>,
    /// The subscription.
    #[arg(long, value_name = "ID")]
    pub subscription: Option<String>,
    /// The region in which new resources are created.
    #[arg(long)]
    pub region: Option<String>,
    /// The one resource group that the application may act in, if it is limited to one.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Ask for every value that no option gives.
    #[arg(long)]
    pub ask: bool,
    /// Show an application that may act in one resource group only.
    #[arg(long)]
    pub group_only: bool,
    /// Show a secret that has ended.
    #[arg(long)]
    pub expired: bool,
    /// Show a subscription that is not the customer's.
    #[arg(long)]
    pub wrong_subscription: bool,
    /// Show an application without a role.
    #[arg(long)]
    pub no_role: bool,
    /// With --azure and --keep, rotate the secret as well: it is minted at the customer's, and the one that was entered
    /// removed.
    #[arg(long, requires = "azure")]
    pub rotate: bool,
    /// Do not disconnect in the end.
    #[arg(long)]
    pub keep: bool,
    /// Disconnect what an earlier run has kept, and do nothing else: also where its secret is lost or has ended.
    #[arg(long, conflicts_with_all = ["keep", "rotate", "ask", "scene"])]
    pub disconnect: bool,
    /// Keep records and sealed secrets in a folder; with the emulator inside the program, the emulator as well.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub journal: JournalArguments,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

impl Arguments {
    /// Whether the services are the emulator inside the program.
    pub fn is_embedded(&self) -> bool {
        !self.place.azure && self.place.emulator.is_none()
    }

    /// Whether everything happens in the time of the program itself.
    pub fn is_virtual(&self) -> bool {
        self.is_embedded() && self.state.is_none()
    }

    /// Whether the secret is rotated: at a customer's only if that was asked for.
    pub fn rotates(&self) -> bool {
        !self.place.azure || self.rotate
    }

    /// Refuses what cannot go together, before anything happens.
    pub fn check(&self) -> Result<(), Error> {
        if (self.place.azure || self.keep || self.disconnect) && self.state.is_none() {
            let why = match (self.keep, self.disconnect) {
                (true, _) => "--keep",
                (_, true) => "--disconnect",
                _ => "--azure",
            };
            return Err(Error::invalid("--state", "is missing")
                .with_advice(format!("with {why}, name a folder: what is kept must be found again")));
        }
        if self.place.azure && self.rotate && !self.keep {
            // The rotation removes the secret that the customer knows, and the end destroys every copy of the new one.
            return Err(Error::invalid("--keep", "is missing: in the end nobody would know the application's secret")
                .with_advice("with --rotate, add --keep, and disconnect once the customer has made another secret"));
        }
        Ok(())
    }
}
