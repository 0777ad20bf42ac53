//! How an application proves to a token endpoint who it is.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Secret};

use crate::authority::Authority;

/// What is sent along with one token request to prove who asks.
#[non_exhaustive]
pub enum Proof {
    /// Nothing: a public client, such as a program on a person's machine.
    None,
    /// A client secret.
    Secret(Arc<Secret>),
    /// A signed token: the application's own, by a certificate, or that of an issuer it trusts.
    Assertion(Arc<Secret>),
}

impl Proof {
    /// The fields of the form (RFC 6749 section 2.3.1, RFC 7523 section 2.2).
    pub(crate) fn fields(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::None => vec![],
            Self::Secret(secret) => vec![("client_secret", secret.expose())],
            Self::Assertion(assertion) => vec![
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.expose()),
            ],
        }
    }
}

impl Proof {
    fn is_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Secret(one), Self::Secret(other)) | (Self::Assertion(one), Self::Assertion(other)) => {
                one.same_as(other)
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "Proof::None",
            Self::Secret(_) => "Proof::Secret(***)",
            Self::Assertion(_) => "Proof::Assertion(***)",
        })
    }
}

/// Proves to a token endpoint that a request is the application's own: by a client secret, a certificate, the token of an issuer
/// that it trusts, or not at all.
///
/// A closure over a cloud's key store that signs assertions is one too, if it implements this. Clones of what it hands out are
/// never kept longer than the request.
#[async_trait]
pub trait ClientProof: Send + Sync {
    /// The proof for one request. It may be the same for several; an assertion must be accepted for some minutes still.
    ///
    /// # Errors
    /// If none can be had: effect [`None`](azconnect_core::Effect::None), and [`Retry`](azconnect_core::Retry) as it may pass.
    async fn proof(&self, authority: &Authority) -> Result<Proof, Error>;

    /// Another proof after one was refused, such as the secret that another process has stored since; `None` if there is none.
    ///
    /// # Errors
    /// If nobody can say, because the place where it would be cannot be read.
    async fn another(&self, refused: &Proof) -> Result<Option<Proof>, Error> {
        let _ = refused;
        Ok(None)
    }

    /// A newer proof after one came too early or too late by the service's clock (AADSTS700024): the credential was not looked at, so
    /// that a proof which was made just now may be accepted. `None` if nothing about it would be new.
    ///
    /// # Errors
    /// As [`proof`](Self::proof).
    async fn renewed(&self, untimely: &Proof, authority: &Authority) -> Result<Option<Proof>, Error> {
        let next = self.proof(authority).await?;
        Ok(Some(next).filter(|next| !next.is_the_same(untimely)))
    }

    /// Hears that the proof which [`another`](Self::another) gave was accepted, so that it is the one in use from now on.
    async fn accepted(&self, another: &Proof) {
        let _ = another;
    }
}

/// A client that proves nothing: a program that runs on people's own machines and can keep no secret.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicClient;

#[async_trait]
impl ClientProof for PublicClient {
    async fn proof(&self, _: &Authority) -> Result<Proof, Error> {
        Ok(Proof::None)
    }
}

impl fmt::Debug for dyn ClientProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientProof")
    }
}
