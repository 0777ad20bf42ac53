//! Signing in, against scripted answers, a server on loopback, and the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod assertion;
mod azure_sdk;
mod behalf;
mod cache;
mod cache_claims;
mod certificate;
mod certificate_proof;
mod certified;
mod chain;
mod clouds;
mod conformance;
mod device_sign_in;
mod discovery;
mod federated;
mod follow;
mod hostile_times;
mod id_token;
mod kept_tokens;
mod login;
mod managed_arc;
mod managed_detect;
mod managed_imds;
mod managed_services;
mod managed_stage;
mod odd_answers;
mod oidc_provider;
mod openssl;
mod own;
mod people;
mod sign_in;
mod stage;
mod tokens;
mod user_refresh;
mod verifier;
mod web_sign_in;
