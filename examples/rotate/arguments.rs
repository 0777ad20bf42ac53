//! What the program is asked to do.

use std::path::PathBuf;

use azconnect::core::Error;
use azconnect_examples::place::PlaceArguments;

/// Rotate the client secrets of a product's applications without downtime.
///
/// By default everything happens on an emulator inside the program. Exit codes: 0 done, 1 failed or blocked, 2 bad usage.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "rotate", version)]
pub struct Arguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub plan: bool,
    /// Keep journal and sealed secrets in a folder, so that a killed run is finished by the next one.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
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
}

impl Arguments {
    /// Refuses what cannot go together, before anything happens.
    pub fn check(&self) -> Result<(), Error> {
        if self.place.azure && self.product.is_none() {
            return Err(Error::invalid("--product", "is missing")
                .with_advice("with --azure, name a file with your tenant, organizations and applications"));
        }
        if self.place.azure && self.state.is_none() && !self.plan {
            return Err(Error::invalid("--state", "is missing")
                .with_advice("with --azure, name a folder: a rotation that is killed must find its journal again"));
        }
        Ok(())
    }
}
