//! Where the services are: an emulator inside the program, a running emulator, or Azure.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Clock, Cloud, Error, ErrorKind, danger};
use azconnect::http::{Call, Pipeline, PlainDialect, ReqwestTransport, SystemClock, Transport, endpoint, json};
use azconnect_emulator::{Emulator, Seed};
use serde::Deserialize;
use url::Url;

/// How long a running emulator may take to say where its services are. It does so at once, or there is none.
const PATIENCE: Duration = Duration::from_secs(3);

/// The seed of the emulator inside the program.
pub const CONTOSO: &str = include_str!("../data/contoso.json");

/// The arguments that say where the services are.
#[derive(Clone, Debug, clap::Args)]
pub struct PlaceArguments {
    /// Use a running emulator, by any of its addresses.
    #[arg(long, value_name = "URL", conflicts_with = "azure")]
    pub emulator: Option<String>,
    /// Use Azure itself.
    #[arg(long)]
    pub azure: bool,
    /// The seed of the emulator inside the program.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["azure", "emulator"])]
    pub seed: Option<std::path::PathBuf>,
}

/// The services, and the way to them.
pub struct Place {
    /// Where Azure's services are: the public cloud, or the emulator's addresses.
    pub cloud: Cloud,
    /// How to reach them: over the network, or inside this process.
    pub transport: Arc<dyn Transport>,
    /// The clock that all parts of the program share.
    pub clock: Arc<dyn Clock>,
    /// The emulator inside the program, if that is the place.
    pub embedded: Option<Emulator>,
    /// Whether it is Azure itself.
    pub is_azure: bool,
}

impl PlaceArguments {
    /// Finds the place. Nothing is sent to Azure by this.
    ///
    /// # Errors
    /// If the seed cannot be used, or no emulator answers.
    pub async fn find(&self) -> Result<Place, Error> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        if self.azure {
            let transport = Arc::new(ReqwestTransport::new()?);
            return Ok(Place { cloud: Cloud::public(), transport, clock, embedded: None, is_azure: true });
        }
        if let Some(address) = &self.emulator {
            let transport: Arc<dyn Transport> =
                Arc::new(ReqwestTransport::builder().danger_allow_http_loopback().build()?);
            let cloud = cloud_of(address, &transport, &clock).await?;
            return Ok(Place { cloud, transport, clock, embedded: None, is_azure: false });
        }
        let emulator = Emulator::from_seed(self.seed()?, clock.clone())?;
        let (cloud, transport) = (emulator.cloud(), emulator.transport());
        Ok(Place { cloud, transport, clock, embedded: Some(emulator), is_azure: false })
    }

    /// The seed of the emulator inside the program.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) naming the field.
    pub fn seed(&self) -> Result<Seed, Error> {
        read_seed(self.seed.as_deref())
    }
}

/// Reads a seed file, or the one that comes with the programs.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) naming the file or the field.
pub fn read_seed(path: Option<&Path>) -> Result<Seed, Error> {
    Ok(match path {
        Some(path) => Seed::from_json(&crate::end::read_file("--seed", path)?)?,
        None => Seed::from_json(CONTOSO)?,
    })
}

#[derive(Deserialize)]
struct Origins {
    login: String,
    resource_manager: String,
    graph: String,
    devops: String,
    devops_identity: String,
    devops_profile: String,
}

/// Asks a running emulator where its services are.
async fn cloud_of(address: &str, transport: &Arc<dyn Transport>, clock: &Arc<dyn Clock>) -> Result<Cloud, Error> {
    let url = Url::parse(address).map_err(|_| {
        Error::invalid("--emulator", "is not an address").with_advice("give one such as http://127.0.0.1:8001")
    })?;
    let pipeline = Pipeline::new(transport.clone(), clock.clone());
    let call = Call::get("emulator.origins", endpoint(&url, &["_emulator", "origins"])?).with_time_limit(PATIENCE);
    let answer = pipeline.execute(call, &PlainDialect).await.map_err(no_emulator)?;
    let origins: Origins = json(&answer).map_err(no_emulator)?;
    Ok(danger::allow_http_loopback(Cloud::custom("AzureCloud"))
        .with_login(&origins.login)?
        .with_resource_manager(&origins.resource_manager)?
        .with_graph(&origins.graph)?
        .with_devops(&origins.devops)?
        .with_devops_identity(&origins.devops_identity)?
        .with_devops_profile(&origins.devops_profile)?
        .build())
}

fn no_emulator(error: Error) -> Error {
    let said = match error.kind() {
        ErrorKind::InvalidInput => return error.with_field("--emulator"),
        ErrorKind::Timeout => format!("whatever listens there gave no answer within {} s", PATIENCE.as_secs()),
        ErrorKind::Unavailable => "nothing answers there".to_owned(),
        _ => "what answers there is no emulator".to_owned(),
    };
    Error::new(ErrorKind::Unavailable, format!("--emulator: {said}"))
        .with_advice("start one with: cargo run --example emulator -- --http 127.0.0.1:8001")
        .with_source(error)
}
