//! The port that gives the token of another issuer, and the smallest implementations of it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Scope, Secret};
use azconnect_credential::TokenProvider;

/// Gives the token that another issuer signed for this process: a file of Kubernetes, an endpoint of GitHub or Azure Pipelines,
/// a managed identity, or a product's own issuer.
///
/// It is asked for each sign-in, so it gives a token that is valid for some minutes still.
#[async_trait]
pub trait AssertionSource: Send + Sync {
    /// A token for an audience, such as `api://AzureADTokenExchange`. A source whose tokens have one audience only gives those,
    /// or refuses.
    ///
    /// # Errors
    /// With effect [`None`](azconnect_core::Effect::None), and without a word of any token.
    ///
    /// # Cancel safety
    /// A dropped call has no effect.
    async fn assertion(&self, audience: &str) -> Result<Secret, Error>;
}

#[async_trait]
impl<S: AssertionSource + ?Sized> AssertionSource for Arc<S> {
    async fn assertion(&self, audience: &str) -> Result<Secret, Error> {
        (**self).assertion(audience).await
    }
}

impl fmt::Debug for dyn AssertionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssertionSource")
    }
}

/// A function of the caller's as a source of tokens.
///
/// ```
/// use azconnect_core::Secret;
/// use azconnect_identity::federated::FnAssertion;
///
/// let source = FnAssertion::new(|_audience: &str| async { Ok(Secret::new("header.claims.signature")) });
/// # let _: &dyn azconnect_identity::federated::AssertionSource = &source;
/// ```
#[derive(Clone, Copy)]
pub struct FnAssertion<F>(F);

impl<F, W> FnAssertion<F>
where
    F: Fn(&str) -> W + Send + Sync,
    W: Future<Output = Result<Secret, Error>> + Send,
{
    /// A source that asks a function for a token for an audience.
    pub fn new(function: F) -> Self {
        Self(function)
    }
}

#[async_trait]
impl<F, W> AssertionSource for FnAssertion<F>
where
    F: Fn(&str) -> W + Send + Sync,
    W: Future<Output = Result<Secret, Error>> + Send,
{
    async fn assertion(&self, audience: &str) -> Result<Secret, Error> {
        let asked = (self.0)(audience);
        asked.await
    }
}

impl<F> fmt::Debug for FnAssertion<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnAssertion")
    }
}

/// The tokens of a sign-in of one's own as a source, such as those of a managed identity that an application trusts: the
/// application then has no secret in any tenant.
///
/// Document: Microsoft's *Configure an application to trust a managed identity*.
#[derive(Clone)]
pub struct TokenAssertion(Arc<dyn TokenProvider>);

impl TokenAssertion {
    /// The tokens of a provider, such as a [`TokenCache`](crate::TokenCache) over a managed identity.
    pub fn new(tokens: Arc<dyn TokenProvider>) -> Self {
        Self(tokens)
    }
}

#[async_trait]
impl AssertionSource for TokenAssertion {
    async fn assertion(&self, audience: &str) -> Result<Secret, Error> {
        let token = self.0.token(&Scope::of_resource(audience)).await?;
        Ok(token.secret.duplicate())
    }
}

impl fmt::Debug for TokenAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAssertion")
    }
}
