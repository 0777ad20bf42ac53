//! Azure DevOps service connections as documents that lose no field: read, update, test, and receive rotated secrets.
//!
//! ```
//! use std::sync::Arc;
//! use azconnect_core::{Cloud, Error, Secret};
//! use azconnect_devops::{DevOpsClient, EndpointQuery, OrganizationName, PersonalAccessToken, ProjectRef};
//! use azconnect_http::{Pipeline, Request, Response, Transport};
//! use azconnect_testkit::VirtualClock;
//!
//! /// A project with one connection.
//! struct OneConnection;
//!
//! #[async_trait::async_trait]
//! impl Transport for OneConnection {
//!     async fn send(&self, request: Request) -> Result<Response, Error> {
//!         assert_eq!(request.uri().path(), "/contoso/Web%20shop/_apis/serviceendpoint/endpoints");
//!         let body = r#"{"count":1,"value":[{"id":"5e47a0d8-c745-44f8-8f93-784f18ff31c4","name":"deploy"}]}"#;
//!         Ok(http::Response::new(body.into()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! let pipeline = Pipeline::new(Arc::new(OneConnection), Arc::new(VirtualClock::new()));
//! let token = PersonalAccessToken::new(Secret::new("pasted-from-the-portal"))?;
//! let client = DevOpsClient::new(pipeline, &Cloud::public(), Arc::new(token));
//!
//! let contoso = client.organization(&OrganizationName::new("contoso")?)?;
//! let connections = contoso.endpoints(ProjectRef::new("Web shop")?).list(&EndpointQuery::new()).await?;
//! assert_eq!(connections[0].name(), Some("deploy"));
//! # Ok(())
//! # }
//! ```

mod authorization;
mod client;
mod create;
mod dialect;
mod endpoint;
mod federation;
mod grant;
mod history;
mod identity;
mod organization;
mod pace;
mod permission;
mod picker;
mod project;
mod refresh;
mod server;
mod sink;
mod token;
mod token_issuer;
mod tolerant;
mod types;
mod verify;

pub use authorization::PersonalAccessToken;
pub use client::DevOpsClient;
pub use create::{
    AzureConnection, AzureCredential, AzureEnvironment, AzureScope, DockerConnection, DockerRegistry,
    GenericConnection, NewConnection, ReadyPolicy,
};
pub use dialect::DevOpsDialect;
pub use endpoint::{
    ActionFilter, Deletion, Endpoint, EndpointChange, EndpointId, EndpointQuery, EndpointScan, Endpoints,
    OperationStatus, ProjectReference,
};
pub use federation::{
    ConversionRules, FederatedCredentials, FederatedTrust, FederationIssuer, OLD_ISSUER_RETIRES, conversion_findings,
};
pub use grant::PipelineGrants;
pub use history::{Execution, ExecutionPage, ExecutionPart};
pub use identity::{Identity, IdentityKind, OrganizationEntry, OrganizationSearch, OrganizationTenant, TenantGroup};
pub use organization::{Organization, OrganizationName};
pub use permission::{ConnectionPermission, EndpointRight, Ground, PermissionReport};
pub use picker::{Choice, Picker};
pub use project::{Project, ProjectId, ProjectName, ProjectRef, ProjectState};
pub use refresh::refresh_findings;
pub use server::{Collection, ServerVersion};
pub use sink::{CandidateTest, ServiceConnectionSink};
pub use token::{NewToken, TokenEntry};
pub use token_issuer::PersonalTokenIssuer;
pub use types::{EndpointInput, EndpointScheme, EndpointType};
pub use verify::RegistryCheck;
