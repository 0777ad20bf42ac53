//! Federated identity credentials: whose tokens an application accepts in place of a secret.

mod calls;
mod credential;
mod ensure;
mod wish;

pub use credential::{FederatedCredential, FederatedCredentialId, FederatedCredentialName, FederatedCredentialRef};
pub use wish::{FederatedCredentialChange, NewFederatedCredential, TOKEN_EXCHANGE};

/// How many federated identity credentials the service lets an application have.
const LIMIT: usize = 20;
