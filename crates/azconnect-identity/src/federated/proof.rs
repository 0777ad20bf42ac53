//! An application that proves who it is with the token of an issuer that it trusts.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::Error;

use super::jwt::{no_token, signed_token};
use super::source::AssertionSource;
use crate::authority::Authority;
use crate::proof::{ClientProof, Proof};

/// The audience that federated credentials expect unless somebody chose another.
pub(super) const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Proves who an application is with the token of an issuer that it trusts by a federated credential.
///
/// Document: Microsoft's *Workload identity federation*, and *OAuth 2.0 client credentials flow*, section *Access token request
/// with a federated credential*.
#[derive(Clone, Debug)]
pub struct FederatedProof {
    source: Arc<dyn AssertionSource>,
    audience: Box<str>,
}

impl FederatedProof {
    /// The tokens of a source for the usual audience, `api://AzureADTokenExchange`.
    pub fn new(source: impl AssertionSource + 'static) -> Self {
        Self { source: Arc::new(source), audience: AUDIENCE.into() }
    }

    /// Sets the audience, which must be the one of the federated credential. Microsoft recommends
    /// `api://AzureADTokenExchangeUSGov` and `api://AzureADTokenExchangeChina` in those clouds, where the issuer can sign for
    /// it.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.audience = audience.into();
        self
    }
}

#[async_trait]
impl ClientProof for FederatedProof {
    async fn proof(&self, _: &Authority) -> Result<Proof, Error> {
        let assertion = self.source.assertion(&self.audience).await?;
        let assertion = signed_token(&assertion).ok_or_else(|| no_token("the assertion").with_field("assertion"))?;
        Ok(Proof::Assertion(Arc::new(assertion)))
    }
}
