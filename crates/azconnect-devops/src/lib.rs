//! Azure DevOps service connections as documents that lose no field: create, read, update, test, share, convert to workload
//! identity federation, and receive rotated secrets.
//!
//! A product calls the ports, such as [`ServiceConnections`] and [`ServiceConnectionWriter`], which [`DevOpsClient`]
//! implements. What they do not offer is found at an [`Organization`] and at the [`Endpoints`] of a project, as the service
//! calls its connections. [`ServiceConnectionSink`] is the [`CredentialSink`](azconnect_credential::CredentialSink) of one connection,
//! [`PersonalTokenIssuer`] the [`CredentialIssuer`](azconnect_credential::CredentialIssuer) of a user's access tokens.
//!
//! ```
//! use std::sync::Arc;
//! use azconnect_core::{Cloud, Error, Secret};
//! use azconnect_credential::{Candidate, CredentialSink};
//! use azconnect_devops::{DevOpsClient, OrganizationName, PersonalAccessToken, ProjectRef, ServiceConnectionSink};
//! use azconnect_emulator::{Emulator, Seed};
//! use azconnect_http::Pipeline;
//! use azconnect_testkit::VirtualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! // An emulator in the place of Azure.
//! let clock = Arc::new(VirtualClock::new());
//! let emulator = Emulator::from_seed(Seed::from_json(include_str!("../doc/seed.json"))?, clock.clone())?;
//! let pipeline = Pipeline::new(emulator.transport(), clock);
//!
//! let token = PersonalAccessToken::new(Secret::new("anns-access-token"))?;
//! let client = DevOpsClient::new(pipeline, &emulator.cloud(), Arc::new(token));
//! let contoso = client.organization(&OrganizationName::new("contoso")?)?;
//!
//! // What may be refreshed, and what stands in the way; refused with a reason without the permission.
//! let picker = contoso.picker(&ProjectRef::new("Web")?).await?;
//! let shown: Vec<_> = picker.choices.iter().map(|choice| format!("{}: {}", choice.name, choice.explanation())).collect();
//! assert_eq!(shown[0], "production: can be refreshed");
//! assert_eq!(shown[1], "automatic: Azure DevOps created its application and manages its secret");
//!
//! // A new secret: tested, written with everything else unchanged, read back, and tested again.
//! let sink = ServiceConnectionSink::new(contoso.endpoints(ProjectRef::new("Web")?), picker.choices[0].id)?;
//! let secret = Secret::new("deployer-new");
//! let candidate = Candidate::new(&secret);
//! let receipt = sink.push(&candidate).await?;
//! assert!(receipt.evidence.starts_with("read back, only the secret changed"));
//! assert!(sink.verify(&candidate).await.is_accepted());
//! # Ok(())
//! # }
//! ```
//!
//! # Permissions
//! Reading connections: scope `vso.serviceendpoint`; testing: `vso.serviceendpoint_query`; everything else:
//! `vso.serviceendpoint_manage`. A secret is changed only by an administrator of the connection on collection level
//! ([`Organization::connection_permission`]).

mod authorization;
mod background;
mod binding;
mod bound;
mod client;
mod client_ports;
mod create;
mod dialect;
mod directory;
mod document;
mod eligibility;
mod endpoint;
mod federation;
mod finder;
mod grant;
mod history;
mod name;
mod organization;
mod pace;
mod permission;
mod picker;
mod port;
mod server;
mod sink;
mod token;
mod token_issuer;
mod tolerant;
mod types;
mod verify;

pub use authorization::PersonalAccessToken;
pub use background::{Progress, ReadyPolicy};
pub use binding::{BindingChoice, BindingDraft, BindingPicker, BindingStep, BindingSteps};
pub use bound::{binding_states, bound_project, secret_destination};
pub use client::DevOpsClient;
pub use create::{
    AzureConnection, AzureCredential, DockerConnection, DockerRegistry, GenericConnection, NewConnection,
};
pub use directory::{
    DevOpsIdentity, IdentityKind, OrganizationEntry, OrganizationSearch, OrganizationTenant, Project, ProjectState,
    Repository, RepositoryId, RepositoryProject, TenantGroup,
};
pub use document::{
    AuthorizationScheme, AzureEnvironment, AzureScope, ConnectionType, CreationMode, Endpoint, EndpointChange,
    EndpointId, EnvironmentName, OperationState, OperationStatus, ProjectReference, RegistryType,
    ServicePrincipalProof,
};
pub use eligibility::{ConversionRules, conversion_checks, refresh_checks};
pub use endpoint::{ActionFilter, Deletion, EndpointQuery, EndpointScan, Endpoints, StoredSecret, UpdatedEndpoint};
pub use federation::{
    CreatedConnection, FederatedCreationError, FederatedCredentials, FederatedTrust, FederationIssuer,
    OLD_ISSUER_RETIRES, OldIssuerScan,
};
pub use finder::{ConnectionScan, ConnectionSearch, ScannedConnection, ServiceConnectionFinder};
pub use grant::PipelineGrants;
pub use history::{Execution, ExecutionPage, ExecutionPart};
pub use name::{OrganizationName, ProjectId, ProjectName, ProjectRef};
pub use organization::Organization;
pub use permission::{ConnectionPermission, EndpointRight, Ground, PermissionReport};
pub use picker::{Choice, Picker};
pub use port::{
    BindingFlow, ConnectionAddress, ConnectionDirectory, FederationConverter, ProjectAddress, ServiceConnectionSharing,
    ServiceConnectionVerifier, ServiceConnectionWriter, ServiceConnections,
};
pub use server::{Collection, ServerVersion};
pub use sink::{CandidateTest, ServiceConnectionSink};
pub use token::{NewToken, TokenEntry};
pub use token_issuer::PersonalTokenIssuer;
pub use types::{EndpointInput, EndpointScheme, EndpointType};
pub use verify::RegistryCheck;
