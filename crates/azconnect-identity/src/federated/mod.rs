//! Signing in with the token of an issuer that the application trusts, in place of a secret (workload identity federation).

mod azure_pipelines;
mod github_actions;
mod jwt;
mod oidc;
mod proof;
mod source;
mod token_file;
mod workload;

pub use azure_pipelines::AzurePipelines;
pub use github_actions::GitHubActions;
pub use proof::FederatedProof;
pub use source::{AssertionSource, FnAssertion, TokenAssertion};
pub use token_file::TokenFile;
pub use workload::WorkloadIdentity;
