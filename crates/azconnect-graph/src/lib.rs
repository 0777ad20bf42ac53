//! Applications, their secrets and service principals, through Microsoft Graph v1.0.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use azconnect_core::{ClientId, Clock, Secret};
//! use azconnect_credential::{CredentialIssuer, Marker, MintRequest, Retirement};
//! use azconnect_emulator::{Emulator, Seed};
//! use azconnect_graph::{GraphClient, GraphIssuer};
//! use azconnect_http::Pipeline;
//! use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint};
//! use azconnect_testkit::VirtualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), azconnect_core::Error> {
//! // The emulator stands in for Microsoft's services; for the real ones, take `ReqwestTransport` and `SystemClock`.
//! let clock = Arc::new(VirtualClock::new());
//! let seed = Seed::from_json(r#"{"tenants": [{
//!     "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
//!     "domain": "contoso.onmicrosoft.com",
//!     "applications": [{
//!         "displayName": "Deployer",
//!         "clientId": "10000000-0000-4000-8000-000000000002",
//!         "graphRoles": ["Application.ReadWrite.All"],
//!         "passwords": [{"secret": "from-the-seed", "displayName": "by hand"}]
//!     }]
//! }]}"#)?;
//! let emulator = Emulator::from_seed(seed, clock.clone())?;
//! let (cloud, pipeline) = (emulator.cloud(), Pipeline::new(emulator.transport(), clock.clone()));
//!
//! let deployer: ClientId = "10000000-0000-4000-8000-000000000002".parse()?;
//! let endpoint = TokenEndpoint::new(pipeline.clone(), &cloud, "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?);
//! let source = ClientSecretSource::new(endpoint, deployer, Secret::new("from-the-seed"))?;
//! let tokens = Arc::new(TokenCache::new(source, clock.clone()));
//!
//! let graph = GraphClient::new(pipeline, &cloud, tokens);
//! let issuer = GraphIssuer::new(graph, deployer)?.with_acting_client(deployer);
//!
//! // Mint under a name recorded beforehand: it finds the secret again if the answer is lost.
//! let request = MintRequest::new(Marker::new("azconnect 0001")?, clock.now() + Duration::from_secs(90 * 86_400));
//! let minted = issuer.mint(&request).await?;
//!
//! let inventory = issuer.inventory().await?;
//! assert_eq!(inventory.keys.len(), 2);
//! assert!(inventory.key(minted.key).is_some_and(|key| key.carries(&request.marker)));
//! assert!(inventory.issuer_signs_in_with_these);
//!
//! // Exactly this key goes; the one made by hand stays.
//! assert_eq!(issuer.retire(minted.key).await?, Retirement::Accepted);
//! assert_eq!(issuer.inventory().await?.keys.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`GraphClient`] has one method an operation; [`GraphIssuer`] is the
//! [`CredentialIssuer`](azconnect_credential::CredentialIssuer) of one application. Errors tell what the real service
//! means: a refusal for concurrency comes under three statuses, a removal of an unknown key as a bad request, and an
//! answer that was lost may hide a secret.
//!
//! # Without a secret
//! An application can accept the tokens of another issuer instead of a secret.
//! [`GraphClient::ensure_federated_credential`] has it do so, however often it is asked:
//!
//! ```no_run
//! # async fn example(graph: azconnect_graph::GraphClient) -> Result<(), azconnect_core::Error> {
//! use azconnect_core::ClientId;
//! use azconnect_graph::{FederatedCredentialName, NewFederatedCredential};
//!
//! let deployer: ClientId = "10000000-0000-4000-8000-000000000002".parse()?;
//! let wish = NewFederatedCredential::new(
//!     FederatedCredentialName::new("build-main")?,
//!     "https://token.actions.githubusercontent.com",
//!     "repo:contoso/shop:ref:refs/heads/main",
//! );
//! let credential = graph.ensure_federated_credential(deployer, &wish).await?;
//! assert!(credential.trusts(&wish.issuer, &wish.subject));
//! # Ok(())
//! # }
//! ```
//!
//! # Registering an application
//! [`GraphClient::ensure_application`] registers one under a marker, by which it is found again after a lost answer;
//! [`GraphClient::ensure_service_principal`], [`GraphClient::add_owner`], [`GraphClient::add_password`] and
//! [`GraphClient::grant_consent`] go on from there. Each may be repeated, but for the password, and each has its way back.
//! What the directory refuses because it does not know the new object everywhere is ridden out with
//! [`GraphClient::with_settling_time`].
//!
//! ```no_run
//! # async fn example(graph: azconnect_graph::GraphClient) -> Result<(), azconnect_core::Error> {
//! use std::time::Duration;
//!
//! use azconnect_credential::Marker;
//! use azconnect_graph::{Consent, NewApplication, Permission};
//!
//! let graph = graph.with_settling_time(Duration::from_secs(120));
//! let wish = NewApplication::new(Marker::new("set-up 0001")?, "Portal")
//!     .with_permissions([Permission::devops_user_impersonation()]);
//! let application = graph.ensure_application(&wish).await?;
//! let principal = graph.ensure_service_principal(application.client_id).await?;
//! let devops = graph.ensure_service_principal(Permission::devops_user_impersonation().resource).await?;
//! graph.grant_consent(&Consent::delegated(principal.id, devops.id, "user_impersonation")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Certificates
//! [`CertificateIssuer`] does for certificates what [`GraphIssuer`] does for secrets. It makes the key itself, and registers the
//! certificate with a proof that the caller holds the key of another one, or else by writing the list of certificates, of which
//! it loses none.
//!
//! # Permissions
//! To consent, `DelegatedPermissionGrant.ReadWrite.All` for scopes and `AppRoleAssignment.ReadWrite.All` for roles. To write
//! anything else, `Application.ReadWrite.OwnedBy`, where the caller's service principal owns the application, or
//! `Application.ReadWrite.All`; to read, `Application.Read.All` too. The tenant's policies are read with `Policy.Read.All` or
//! `Policy.Read.ApplicationConfiguration`; without either they are unknown, and nothing else is lost.

mod application;
mod catalogue;
mod certificate_issuer;
mod client;
mod consent;
mod dialect;
mod federated;
mod holder;
mod issuer;
mod password;
mod policy;
mod port;
mod principal;
#[cfg(test)]
mod rows;
mod wire;

pub use application::{
    Application, ApplicationChange, ApplicationQuery, ApplicationRef, Audience, ComparedPassword, DirectoryObjectId,
    HintMatch, NewApplication, Owner, OwnerKind, Permission, PermissionId, PermissionKind, Platform, RedirectUris,
};
pub use certificate_issuer::CertificateIssuer;
pub use client::GraphClient;
pub use consent::Consent;
pub use federated::{
    FederatedCredential, FederatedCredentialChange, FederatedCredentialId, FederatedCredentialName,
    FederatedCredentialRef, NewFederatedCredential, TOKEN_EXCHANGE,
};
pub use holder::PasswordHolder;
pub use issuer::GraphIssuer;
pub use password::{AddedPassword, KeyCredential, NewPassword, PasswordCredential};
pub use policy::{AppManagementPolicy, PasswordRestriction};
pub use port::{
    ApplicationOwners, ApplicationRegistrar, ApplicationTrust, Applications, ConsentKeeper, PrincipalRegistrar,
};
pub use principal::ServicePrincipal;
