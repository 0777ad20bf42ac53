//! Connect a product to its customers' Azure: stored credentials, service connections, and rotation without downtime.
//!
//! This crate is the front door. [`Azure`] assembles the clients of one cloud over one transport; [`Identity`] is an
//! application that has signed in, and makes the parts of a rotation; [`Connections`] keeps what a product stores
//! about its customers. Every part stands behind a trait of [`core`] or [`credential`], so any of them can be replaced.
//!
//! ```
//! use std::sync::Arc;
//! use azconnect::core::{Error, Secret};
//! use azconnect::rotation::{RotationOutcome, SinkBinding};
//! use azconnect::{Azure, Storage};
//! use azconnect_emulator::{Emulator, Seed};
//! use azconnect_testkit::VirtualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! // An emulator in the place of Azure: no socket, and hours pass at once.
//! let clock = Arc::new(VirtualClock::new());
//! let seed = Seed::from_json(include_str!("../doc/seed.json"))?;
//! let emulator = Emulator::from_seed(seed, clock.clone())?;
//!
//! // The operator who acts, the application whose secret is rotated, its old key and the consumer of its secret.
//! let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
//! let operator = azure.identity_with_secret(
//!     "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
//!     "a0000000-0000-4000-8000-000000000001".parse()?,
//!     Secret::new("Emu8Q~a.secret.of.this.example.only_0001"),
//! )?;
//! let application = "a0000000-0000-4000-8000-000000000002".parse()?;
//! let connection = "c0000000-0000-4000-8000-000000000001".parse()?;
//! let deploy = operator.service_connection("contoso", "Web", connection, application)?;
//! let target = operator
//!     .target(application)?
//!     .with_sink(SinkBinding::new(Arc::new(deploy)))
//!     .with_adopted("b0000000-0000-4000-8000-000000000002".parse()?);
//!
//! // Where events and sealed secrets go: in memory here, SQLite in earnest.
//! let storage = Storage::in_memory(clock);
//! let rotator = azure.rotator(&storage).with_patience(std::time::Duration::from_secs(7200));
//!
//! let outcome = rotator.rotate(&target).await?;
//! assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
//! # Ok(())
//! # }
//! ```
//!
//! A machine in a customer's subscription, and the key to it:
//!
//! ```
//! # use std::sync::Arc;
//! use azconnect::arm::{GroupChoice, ProvisionId, SshKey, VmSpec};
//! use azconnect::core::{Error, ErrorKind, ResourceGroupName, Secret};
//! use azconnect::{Azure, Storage};
//! # use azconnect_emulator::{Emulator, Seed};
//! # use azconnect_testkit::VirtualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! # let clock = Arc::new(VirtualClock::new());
//! # let seed = Seed::from_json(r#"{
//! #     "tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com", "applications": [{
//! #         "displayName": "Deployer", "clientId": "10000000-0000-4000-8000-000000000002",
//! #         "passwords": [{"secret": "Emu8Q~a.secret.of.this.example.only_0002"}]}]}],
//! #     "subscriptions": [{"id": "20000000-0000-4000-8000-000000000001", "name": "Contoso",
//! #         "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
//! #         "roleAssignments": [{"principal": "10000000-0000-4000-8000-000000000002", "role": "Contributor"}]}]}"#)?;
//! # let emulator = Emulator::from_seed(seed, clock.clone())?;
//! # let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
//! # let storage = Storage::in_memory(clock);
//! let deployer = azure.identity_with_secret(
//!     "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
//!     "10000000-0000-4000-8000-000000000002".parse()?,
//!     Secret::new("Emu8Q~a.secret.of.this.example.only_0002"),
//! )?;
//! let provisioner = deployer.provisioner("20000000-0000-4000-8000-000000000001".parse()?, &storage);
//! let group = GroupChoice::Create(ResourceGroupName::new("rg-web")?);
//! // With `with_public_key`, the machine takes a key of the customer's own, and no private key is made.
//! let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?;
//! let plan = provisioner.plan(ProvisionId::new("contoso/web")?, spec).await?;
//! let machine = provisioner.run(&plan).await?;
//!
//! // The key is read as often as it takes to keep it elsewhere. It is forgotten here once that is confirmed.
//! let key = SshKey::read(provisioner.private_key(&machine.id).await?)?;
//! provisioner.forget_private_key(&machine.id, &key.fingerprint).await?;
//! assert_eq!(provisioner.private_key(&machine.id).await.err().map(|e| e.kind()), Some(ErrorKind::NotFound));
//!
//! // For a page: what happened, and what a process that was stopped has left to finish.
//! for entry in provisioner.history(&machine.id).await? {
//!     println!("{}", entry.kind);
//! }
//! assert!(provisioner.unfinished().await?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Several machines that share a network, each with an outcome of its own:
//!
//! ```
//! # use std::sync::Arc;
//! use azconnect::arm::port::Fleets;
//! use azconnect::arm::{FleetSpec, GroupChoice, InboundRule, ProvisionId, VmSpec};
//! use azconnect::core::{Error, ResourceGroupName, Secret};
//! use azconnect::{Azure, Storage};
//! # use azconnect_emulator::{Emulator, Seed};
//! # use azconnect_testkit::VirtualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! # let clock = Arc::new(VirtualClock::new());
//! # let seed = Seed::from_json(r#"{
//! #     "tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com", "applications": [{
//! #         "displayName": "Deployer", "clientId": "10000000-0000-4000-8000-000000000002",
//! #         "passwords": [{"secret": "Emu8Q~a.secret.of.this.example.only_0002"}]}]}],
//! #     "subscriptions": [{"id": "20000000-0000-4000-8000-000000000001", "name": "Contoso",
//! #         "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
//! #         "roleAssignments": [{"principal": "10000000-0000-4000-8000-000000000002", "role": "Contributor"}]}]}"#)?;
//! # let emulator = Emulator::from_seed(seed, clock.clone())?;
//! # let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
//! # let storage = Storage::in_memory(clock);
//! # let deployer = azure.identity_with_secret(
//! #     "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
//! #     "10000000-0000-4000-8000-000000000002".parse()?,
//! #     Secret::new("Emu8Q~a.secret.of.this.example.only_0002"),
//! # )?;
//! let fleets: Arc<dyn Fleets> = deployer.fleets("20000000-0000-4000-8000-000000000001".parse()?, &storage);
//! let group = GroupChoice::Create(ResourceGroupName::new("rg-shop")?);
//! let machine = VmSpec::new("shop", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?
//!     .with_rule(InboundRule::ssh(vec!["203.0.113.7/32".parse()?]));
//! let fleet = FleetSpec::of(&machine, 3);
//!
//! // Quotas are judged for all three together.
//! assert!(fleets.preflight(&fleet).await.is_clear());
//! let plan = fleets.plan(ProvisionId::new("contoso/shop")?, fleet).await?;
//! println!("{plan}");
//! for machine in fleets.run(&plan).await?.machines {
//!     match machine.outcome {
//!         Ok(runs) => println!("{} runs at {:?}", machine.name, runs.address),
//!         // The others are built all the same. Run again, it is tried again.
//!         Err(error) => println!("{} failed: {error}", machine.name),
//!     }
//! }
//!
//! // The machines first, then what they share.
//! assert!(fleets.clean_up(&plan.id).await?.foundation.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! What ends, and who was told: a product's daily job, which mails each point on a secret's way to its end, once.
//!
//! ```
//! # use std::sync::Arc;
//! use azconnect::core::Error;
//! use azconnect::credential::{ExpiryWatch, ExpiryWatchExt as _, OpenCrossing};
//! use azconnect::{Azure, ConnectRequest, Storage};
//! # use azconnect::core::{Clock as _, Secret};
//! # use azconnect_emulator::{Emulator, Seed};
//! # use azconnect_testkit::VirtualClock;
//!
//! fn mail(open: &OpenCrossing) {
//!     // The crossing's id goes into the mail, so that one that is sent twice is recognised.
//!     println!("{}: {} ({})", open.record.title(), open.crossing.step, open.crossing.id);
//! }
//!
//! async fn daily(watch: &dyn ExpiryWatch) -> Result<usize, Error> {
//!     // Looks at every connection, page by page, and notes what each has come to. It asks Microsoft Graph where it may.
//!     let survey = watch.survey().await?;
//!     println!("{} overdue, {} of which nobody knows the end", survey.overdue, survey.unknown);
//!     let (mut mails, mut after) = (0, None);
//!     loop {
//!         let page = watch.crossings(after.as_ref()).await?;
//!         for open in &page.crossings {
//!             // At least once. For at most once, acknowledge first, and mail if that answers `true`.
//!             mail(open);
//!             watch.acknowledge(&open.crossing).await?;
//!             mails += 1;
//!         }
//!         let Some(next) = page.next else { return Ok(mails) };
//!         after = Some(next);
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! # let clock = Arc::new(VirtualClock::new());
//! # let emulator = Emulator::from_seed(Seed::from_json(include_str!("../doc/seed.json"))?, clock.clone())?;
//! # let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
//! # let storage = Storage::in_memory(clock.clone());
//! # let secret = emulator.secret_of("b0000000-0000-4000-8000-000000000002".parse()?).ok_or(Error::invalid("x", "x"))?;
//! let request = ConnectRequest::new(
//!     "shop".parse()?,
//!     "22222222-2222-4222-8222-222222222222".parse()?,
//!     "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
//!     "a0000000-0000-4000-8000-000000000002".parse()?,
//! );
//! // Its application may not read itself, so what the customer says of the end is believed.
//! let request = request.with_ends_at(clock.now() + std::time::Duration::from_secs(9 * 86_400));
//! azure.connections(&storage).connect(request, secret).await?;
//!
//! let watch = azure.expiry_watch(&storage);
//! assert_eq!(daily(&*watch).await?, 1, "it ends within 30 days");
//! assert_eq!(daily(&*watch).await?, 0, "which was told");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | Feature | Default | Adds |
//! |---|---|---|
//! | `rustls` | yes | [`http::ReqwestTransport::new`]: HTTPS with rustls and aws-lc |
//! | `reqwest` | yes, through `rustls` | [`http::ReqwestTransport`] over a `reqwest::Client` of your own |
//! | `sqlite` | yes | [`store::SqliteStore`]: journal, leases and sealed secrets in one file |
//! | `postgres` | no | `store::PostgresStore`: the same in PostgreSQL, for products of several machines |
//! | `azure-core` | no | `identity::azure_sdk`: Microsoft's own clients sign in as these crates do, and the other way round |

mod application_setup;
mod azure;
mod bindings;
mod connection_check;
mod connections;
mod devops_sign_in;
mod expiry_radar;
mod federation;
mod key_vault;
mod key_vault_refusal;
mod orphans;
mod own_record;
mod people;
mod ports_of_use;
mod principal;
mod sealed_name;
mod storage;
mod tenant_settings;

pub use azconnect_arm as arm;
pub use azconnect_core as core;
pub use azconnect_credential as credential;
pub use azconnect_devops as devops;
pub use azconnect_graph as graph;
pub use azconnect_http as http;
pub use azconnect_identity as identity;
pub use azconnect_rotation as rotation;
pub use azconnect_setup as setup;
pub use azconnect_store as store;

#[cfg(feature = "clock")]
pub use azconnect_http::SystemClock;

pub use azconnect_credential::{ConnectRequest, ConnectionForm, ConnectionQuery, FitRequest, Linked, NewSecret};
pub use azconnect_identity::user::PendingLink;
pub use azure::Azure;
pub use bindings::{Bindings, BuiltTarget, ConsumerKind, TargetSpec};
pub use connection_check::ConnectionNeeds;
pub use connections::{ConnectionSink, Connections, Disconnected};
pub use expiry_radar::{ExpiryRadar, ListedEnds};
pub use federation::ApplicationFederation;
pub use key_vault::KeyVaultWrap;
pub use orphans::Swept;
pub use own_record::SealedOwnRecord;
pub use people::{AccountLinks, LinkApplication, LinkedIdentity};
pub use principal::Identity;
pub use storage::Storage;
pub use tenant_settings::TenantIntegrations;
