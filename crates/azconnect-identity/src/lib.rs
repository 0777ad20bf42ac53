//! Tokens from Microsoft Entra ID, and the proof that a secret works.
//!
//! ```
//! use std::sync::Arc;
//!
//! use azconnect_core::{ClientId, Secret, TenantId};
//! use azconnect_credential::{Candidate, CredentialVerifier, TokenProvider};
//! use azconnect_emulator::{Emulator, Seed};
//! use azconnect_http::Pipeline;
//! use azconnect_identity::{ClientSecretSource, SecretVerifier, TokenCache, TokenEndpoint};
//! use azconnect_testkit::VirtualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), azconnect_core::Error> {
//! // The emulator stands in for Entra ID; for the real one, take `ReqwestTransport` and `SystemClock`.
//! let clock = Arc::new(VirtualClock::new());
//! let seed = Seed::from_json(r#"{"tenants": [{
//!     "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
//!     "domain": "contoso.onmicrosoft.com",
//!     "applications": [{
//!         "displayName": "Deployer",
//!         "clientId": "10000000-0000-4000-8000-000000000002",
//!         "passwords": [{"secret": "from-the-seed"}]
//!     }]
//! }]}"#)?;
//! let emulator = Emulator::from_seed(seed, clock.clone())?;
//!
//! let pipeline = Pipeline::new(emulator.transport(), clock.clone());
//! let tenant: TenantId = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?;
//! let client: ClientId = "10000000-0000-4000-8000-000000000002".parse()?;
//! let endpoint = TokenEndpoint::new(pipeline, &emulator.cloud(), tenant);
//!
//! // Tokens for as many scopes as are needed, each asked for once.
//! let source = ClientSecretSource::new(endpoint.clone(), client, Secret::new("from-the-seed"))?;
//! let tokens = TokenCache::new(source, clock);
//! let first = tokens.token(&emulator.cloud().graph_scope()).await?;
//! let second = tokens.token(&emulator.cloud().graph_scope()).await?;
//! assert!(Arc::ptr_eq(&first, &second));
//!
//! // Does this secret work? Three sign-ins on fresh connections say so.
//! let verifier = SecretVerifier::new(&endpoint, client);
//! let proof = verifier.verify(&Candidate::new(&Secret::new("from-the-seed"))).await;
//! assert!(proof.is_accepted(), "{}", proof.evidence);
//!
//! let refused = verifier.verify(&Candidate::new(&Secret::new("a-typing-mistake"))).await;
//! assert_eq!(refused.service_code(), Some("AADSTS7000215"));
//! println!("{}: {}", refused.evidence, refused.advice().unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! A [`TokenSource`] is one way to sign in; a [`TokenCache`] makes a
//! [`TokenProvider`](azconnect_credential::TokenProvider) of any source. [`SecretVerifier`] proves a secret, and
//! [`OwnCredentialSink`] gives a running product the new secret of the very credential it signs in with. A product of several
//! processes gives each of them the same [`OwnRecord`] ([`ClientSecretSource::with_record`]): one rotates the secret, and the
//! others find the new one there when Entra ID refuses theirs.
//!
//! An application that has no secret signs in with the token of an issuer that it trusts ([`federated`]), or as the machine that
//! it runs on ([`managed`]). A [`TokenChain`] takes the first of several ways that exists. [`CloudDiscovery`] asks an Azure Stack
//! where that is. With feature `azure-core`, Microsoft's own clients sign in so as well.
//!
//! People sign in with [`user`]: in a browser, beside a device, and from then on without being there.
//!
//! # With a certificate
//!
//! A [`ClientCertificate`] is read from PEM or a PFX file. [`CertificateProof`] signs assertions with it, so that an
//! [`Application`] signs in without any secret that travels. [`SecretVerifier::for_certificates`] proves one, and
//! [`OwnCredentialSink::of_certificate`] replaces the one in use.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod application;
mod audience;
mod authority;
mod available;
#[cfg(feature = "azure-core")]
pub mod azure_sdk;
mod cache;
mod catalogue;
mod certificate;
mod chain;
mod claims;
mod client_secret;
mod discovery;
mod endpoint;
pub mod federated;
mod hashed;
mod kept_tokens;
mod live;
mod local_files;
pub mod managed;
mod means;
mod moment;
mod own;
mod own_record;
mod proof;
mod provider;
mod quiet;
mod refusal;
mod refusal_detail;
mod shared_error;
mod site;
mod skew;
mod source;
mod stack;
pub mod user;
mod verifier;

pub use application::Application;
pub use authority::Authority;
pub use available::Availability;
pub use cache::TokenCache;
pub use certificate::{AssertionForm, CertificateProof, ClientCertificate};
pub use chain::{ChainLink, Presence, SkippedLink, SkippedLinks, TokenChain};
pub use client_secret::ClientSecretSource;
pub use discovery::TenantDiscovery;
pub use endpoint::TokenEndpoint;
pub use kept_tokens::KeptTokens;
pub use local_files::{LocalFiles, SystemFiles};
pub use own::OwnCredentialSink;
pub use own_record::OwnRecord;
pub use proof::{ClientProof, Proof, PublicClient};
pub use provider::ProviderEndpoints;
pub use refusal::EntraDialect;
pub use source::{FetchedToken, TokenRequest, TokenSource};
pub use stack::{CloudDiscovery, DiscoveredCloud};
pub use verifier::SecretVerifier;
