//! What tests of azconnect are made of: clocks under the test's control, a canary that catches a leaked secret,
//! conformance suites for every port, and in-memory fakes of the ports.
//!
//! Everything here reports by panicking, and names the behaviour that failed.
//!
//! ```
//! use std::time::Duration;
//!
//! use azconnect_core::Clock;
//! use azconnect_testkit::{Canary, ManualClock};
//!
//! let clock = ManualClock::new();
//! clock.advance(Duration::from_secs(90));
//! assert_eq!(clock.elapsed(), Duration::from_secs(90));
//!
//! let canary = Canary::new();
//! let ears = canary.listen();
//! let secret = canary.secret();
//! tracing::info!(?secret, "signing in");
//! canary.assert_absent_from_logs();
//! canary.assert_absent("debug", format!("{secret:?}").as_bytes());
//! drop(ears);
//! ```
//!
//! # The ports, their suites and their fakes
//!
//! | Port | Suite | Fake |
//! |---|---|---|
//! | [`AccountLinking`](azconnect_identity::user::AccountLinking), [`LinkedAccounts`](azconnect_credential::LinkedAccounts), [`AccountLending`](azconnect_credential::AccountLending) | [`conformance::account_links`] | [`fake::People`] |
//! | [`AgentProbe`](azconnect_arm::provision::AgentProbe) | [`conformance::agent_probe`] | [`fake::Agent`] |
//! | [`Applications`](azconnect_graph::Applications) | [`conformance::applications`] | [`fake::Registrations`] |
//! | [`ApplicationTrust`](azconnect_graph::ApplicationTrust) | [`conformance::application_trust`] | [`fake::Registrations`] |
//! | [`BindingFlow`](azconnect_devops::BindingFlow) | [`conformance::binding_flow`] | [`fake::Binder`] |
//! | [`BindingRecords`](azconnect_credential::BindingRecords) | [`conformance::bindings`] | [`fake::BindingBook`] |
//! | [`Clock`](azconnect_core::Clock) | [`conformance::clock`] | [`ManualClock`], [`VirtualClock`] |
//! | [`ConnectionDirectory`](azconnect_devops::ConnectionDirectory) | [`conformance::devops::directory`] | [`fake::DevOps`] |
//! | [`ConnectionChecks`](azconnect_credential::ConnectionChecks) | [`conformance::connection_checks`] | [`fake::Keeper`] |
//! | [`ConsumerFinder`](azconnect_credential::ConsumerFinder) | [`conformance::consumer_finder`] | [`fake::Consumers`] |
//! | [`CredentialIssuer`](azconnect_credential::CredentialIssuer) | [`conformance::credential_issuer`] | [`fake::Directory::issuer`] |
//! | [`CredentialSink`](azconnect_credential::CredentialSink) | [`conformance::credential_sink`] | [`fake::Directory::sink`] |
//! | [`CredentialVerifier`](azconnect_credential::CredentialVerifier) | [`conformance::credential_verifier`] | [`fake::Directory::verifier`] |
//! | [`EndReader`](azconnect_credential::EndReader) | [`conformance::end_reader`] | [`fake::Ends`] |
//! | [`ExpiryWatch`](azconnect_credential::ExpiryWatch) | [`conformance::expiry_watch`] | [`fake::Radar`] |
//! | [`FederatedCredentials`](azconnect_devops::FederatedCredentials) | [`conformance::federated_credentials`] | [`fake::Federation`] |
//! | [`FederationConverter`](azconnect_devops::FederationConverter) | [`conformance::devops::federation`] | [`fake::DevOps`] |
//! | [`Journal`](azconnect_core::Journal) | [`conformance::journal`] | `azconnect_store::MemoryJournal` |
//! | [`KeyWrap`](azconnect_core::KeyWrap) | [`conformance::key_wrap`] | [`fake::Vault`] |
//! | [`Lease`](azconnect_core::Lease) | [`conformance::lease`] | `azconnect_store::MemoryLease` |
//! | [`Machines`](azconnect_arm::port::Machines) | [`conformance::machines`] | [`fake::Subscription`] |
//! | [`OwnRecord`](azconnect_identity::OwnRecord) | [`conformance::own_record`] | [`fake::SignInRecord`] |
//! | [`Provisioning`](azconnect_arm::port::Provisioning), [`ProvisionRecords`](azconnect_arm::port::ProvisionRecords) | [`conformance::provisioning`] | [`fake::Subscription`] |
//! | [`RefreshTokens`](azconnect_credential::RefreshTokens) | [`conformance::refresh_tokens`] | [`fake::RefreshTokens`] |
//! | [`Roles`](azconnect_arm::port::Roles) | [`conformance::roles`] | [`fake::Subscription`] |
//! | [`SecretStore`](azconnect_core::SecretStore) | [`conformance::secret_store`] | `azconnect_store::MemorySecrets` |
//! | [`DocumentStore`](azconnect_core::DocumentStore) | [`conformance::document_store`] | `azconnect_store::MemoryDocuments` |
//! | [`ServiceConnections`](azconnect_devops::ServiceConnections) | [`conformance::devops::connections`] | [`fake::DevOps`] |
//! | [`ServiceConnectionSharing`](azconnect_devops::ServiceConnectionSharing) | [`conformance::devops::sharing`] | [`fake::DevOps`] |
//! | [`ServiceConnectionVerifier`](azconnect_devops::ServiceConnectionVerifier) | [`conformance::devops::verifier`] | [`fake::DevOps`] |
//! | [`ServiceConnectionWriter`](azconnect_devops::ServiceConnectionWriter) | [`conformance::devops::writer`] | [`fake::DevOps`] |
//! | [`Setup`](azconnect_setup::Setup) | [`conformance::setup`] | [`fake::Customer`] |
//! | [`TokenProvider`](azconnect_credential::TokenProvider) | [`conformance::token_provider`] | [`fake::Tokens`] |
//! | [`Transport`](azconnect_http::Transport) | [`conformance::transport`] | [`fake::Wire`] |
//!
//! No suite is needed for what decides without effects (`RetryPolicy`, `PollPolicy`), nor for the inner parts of one client
//! (`Authorizer`, `Dialect`, `Pace`, `TokenSource`, `Observer`): their own documentation says all.

mod canary;
mod clock;
pub mod conformance;
pub mod fake;

pub use canary::{Canary, Listening};
pub use clock::{ManualClock, VirtualClock};
