//! What the program is asked to do.

use std::path::PathBuf;

use azconnect::core::Error;
use azconnect_examples::end::EXIT_CODES;
use azconnect_examples::journal::JournalArguments;
use azconnect_examples::place::PlaceArguments;

use crate::resolve::WayOut;

/// What the options' own lines have no room for.
const MORE: &str = "\
Adopt:
  A rotation removes an old secret only if it is ours: minted by an earlier
  rotation, or adopted. To adopt a secret that was made by hand, write its id
  (Secret ID in the portal) under `adopt` of its application in the product's
  file. It is removed once every consumer has proved the new one; until then
  you may take the line out again. All other secrets stay, whoever made them.

Resolve:
  When a person is needed, both secrets are alive. --resolve says what next:
    retry               the cause is gone: what failed is tried again
    leave-out=CONSUMER  that consumer is gone, or somebody else's: go on without
    take-as-is          you looked yourself: the new secret stays, unproven
    abandon             end it; what a consumer may hold stays alive
  A consumer is named by its id, or by a part of its title.

Ctrl-C:
  Lets the requests under way be answered, gives the lease back, and stops.
  With --state, the same command goes on from there at once. A killed run
  loses nothing either; the next one waits until its lease has run out.

Logs:
  RUST_LOG=azconnect=debug says on standard error what is sent and answered.
  It never shows a secret.

";

/// Rotate the client secrets of a product's applications without downtime.
///
/// By default everything happens on an emulator inside the program.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "rotate", version, max_term_width = 80, after_help = format!("{MORE}{EXIT_CODES}"))]
pub struct Arguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub plan: bool,
    /// Keep journal and sealed secrets in a folder, so that a killed run is finished by the next one.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub journal: JournalArguments,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// The tenant, organizations and applications. With --azure, who signs in comes from AZURE_TENANT_ID,
    /// AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
    #[arg(long, value_name = "FILE")]
    pub product: Option<PathBuf>,
    /// Only the application of this client id.
    #[arg(long, value_name = "CLIENT_ID")]
    pub application: Option<String>,
    /// Rotate what is not due yet, too.
    #[arg(long)]
    pub force: bool,
    /// Say how a rotation goes on that needs a person: retry, leave-out=CONSUMER, take-as-is or abandon.
    #[arg(long, value_name = "WAY", requires = "application", conflicts_with_all = ["plan", "force"])]
    pub resolve: Option<WayOut>,
    /// Wait as little as the rules allow. For tests on an emulator whose replicas agree within a second.
    #[arg(long, hide = true, conflicts_with = "azure")]
    pub hurry: bool,
}

impl Arguments {
    /// Refuses what cannot go together, before anything happens.
    pub fn check(&self) -> Result<(), Error> {
        if self.place.azure && self.product.is_none() {
            return Err(Error::invalid("--product", "is missing")
                .with_advice("with --azure, name a file with your tenant, organizations and applications"));
        }
        if self.resolve.is_some() && self.state.is_none() {
            return Err(Error::invalid("--state", "is missing")
                .with_advice("name the folder that holds the journal of the rotation to be resolved"));
        }
        if self.place.azure && self.state.is_none() && !self.plan {
            return Err(Error::invalid("--state", "is missing")
                .with_advice("with --azure, name a folder: a rotation that is killed must find its journal again"));
        }
        Ok(())
    }
}
