//! Puts the program together: where people sign in, and where the link is kept.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use azconnect::core::{Clock, Cloud, Error, Secret};
use azconnect::http::{ReqwestTransport, SystemClock};
use azconnect::identity::{Authority, ClientSecretSource, TokenEndpoint};
use azconnect::store::{SqliteOptions, SqliteStore};
use azconnect::{Azure, LinkApplication, Storage};
use azconnect_emulator::server::serve;
use azconnect_emulator::{Emulator, Seed};
use azconnect_examples::end::environment;
use azconnect_examples::key_file::key_file;

use crate::Arguments;
use crate::site::Site;

/// The emulator's world: an application, some people, and organizations that not all of them see.
const SEED: &str = include_str!("../data/service_user.json");

/// The application in that world, and its secret, which opens nothing anywhere else.
const PORTAL: (&str, &str) = ("10000000-0000-4000-8000-0000000000aa", "the-secret-of-the-emulator-s-portal");

/// The people in that world, in words.
const PEOPLE: &str = "ann@contoso.com (an administrator), bob@contoso.com or guest@fabrikam.com";

pub async fn assemble(arguments: &Arguments, port: u16) -> Result<Site, Error> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let back = format!("http://localhost:{port}/linked");
    let storage = match &arguments.state {
        Some(folder) => Storage::of(Arc::new(open(folder).await?)),
        None => Storage::in_memory(clock.clone()),
    };
    let (azure, client, secret, authority) = match arguments.client_id {
        Some(client) => {
            let cloud = Cloud::public();
            let authority = match arguments.tenant {
                Some(tenant) => Authority::of_tenant(&cloud, tenant),
                None => Authority::organizations(&cloud),
            };
            let azure = Azure::new(cloud, Arc::new(ReqwestTransport::new()?), clock);
            (azure, client, Secret::new(environment("AZURE_CLIENT_SECRET")?), authority)
        }
        None => {
            let azure = emulated(clock, &back).await?;
            let authority = Authority::organizations(azure.cloud());
            (azure, PORTAL.0.parse()?, Secret::new(PORTAL.1), authority)
        }
    };
    let endpoint = TokenEndpoint::at(azure.pipeline().clone(), azure.cloud(), authority.clone());
    let proof = Arc::new(ClientSecretSource::new(endpoint, client, secret)?);
    let application = LinkApplication::new(client, proof, back.parse()?).with_authority(authority);
    let people = arguments.client_id.is_none().then(|| PEOPLE.to_owned());
    Ok(Site::new(&azure.account_links(&storage, application)?, port, people))
}

/// An emulator inside the program, whose pages a browser on this machine reaches.
#[expect(clippy::disallowed_methods, reason = "a program drives its own tasks")]
async fn emulated(clock: Arc<dyn Clock>, back: &str) -> Result<Azure, Error> {
    let emulator = Emulator::from_seed(Seed::from_json(&SEED.replace("{back}", back))?, clock.clone())?;
    let server = serve(emulator, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let cloud = server.cloud();
    tokio::spawn(server.run());
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build()?;
    Ok(Azure::new(cloud, Arc::new(transport), clock))
}

/// Opens the database in the folder, sealed with the key beside it.
async fn open(folder: &Path) -> Result<SqliteStore, Error> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::invalid("--state", format!("cannot make the folder {}: {}", folder.display(), error.kind()))
            .with_advice("name a folder that can be written")
    })?;
    let (database, clock) = (folder.join("service_user.db"), Arc::new(SystemClock::new()));
    SqliteOptions::new().open_with_key_file(database, key_file(folder)?, clock).await
}
