//! How a connection signs in.

use azconnect_core::{KeyId, SecretId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How the connection signs in. Secrets and private keys lie in a `SecretStore`; the record holds their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialKind {
    /// The application signs in with a client secret.
    ClientSecret {
        /// The name under which the secret is sealed in the `SecretStore`.
        secret: SecretId,
        /// The public id of the secret, where it is known.
        key: Option<KeyId>,
        /// When the secret ends, where that is known.
        #[serde(with = "time::serde::rfc3339::option")]
        ends_at: Option<OffsetDateTime>,
    },
    /// The application signs in with a certificate's private key.
    Certificate {
        /// The name under which certificate and private key are sealed, both as PEM.
        secret: SecretId,
        /// When the certificate ends, where that is known.
        #[serde(with = "time::serde::rfc3339::option")]
        ends_at: Option<OffsetDateTime>,
    },
    /// The application trusts the tokens of another issuer. Nothing is stored, and nothing expires.
    Federated {
        /// The issuer's address: the `iss` claim of its tokens.
        issuer: String,
        /// Whom the tokens speak for: their `sub` claim.
        subject: String,
    },
}

impl CredentialKind {
    /// A client secret sealed under a name.
    pub fn client_secret(secret: SecretId, ends_at: Option<OffsetDateTime>) -> Self {
        Self::ClientSecret { secret, key: None, ends_at }
    }

    /// When the secret or certificate ends, where that is known.
    pub fn ends_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::ClientSecret { ends_at, .. } | Self::Certificate { ends_at, .. } => *ends_at,
            Self::Federated { .. } => None,
        }
    }
}
