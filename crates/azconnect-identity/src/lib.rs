//! Tokens from Microsoft Entra ID, and the proof that a secret works.
//!
//! A [`TokenSource`] is one way to sign in; a [`TokenCache`] makes a
//! [`TokenProvider`](azconnect_credential::TokenProvider) of any source. [`SecretVerifier`] proves a secret, and
//! [`OwnCredentialSink`] gives a running product the new secret of the very credential it signs in with.

mod cache;
mod catalogue;
mod client_secret;
mod endpoint;
mod own;
mod refusal;
mod source;
mod verifier;

pub use cache::TokenCache;
pub use client_secret::ClientSecretSource;
pub use endpoint::TokenEndpoint;
pub use own::{OwnCredentialSink, OwnRecord};
pub use source::{FetchedToken, TokenSource};
pub use verifier::SecretVerifier;
