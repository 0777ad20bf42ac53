//! The port that mints and retires secrets.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, KeyId, Secret};
use serde::{Deserialize, Deserializer, Serialize, de};
use time::OffsetDateTime;

use crate::check_report::CheckReport;

azconnect_core::name_id!(
    /// What an issuer mints for, such as `application/1272a66f-…`: the same in every process, since there is one writer
    /// per subject.
    SubjectId,
    "subject id"
);

/// The display name under which a secret is minted: unique, chosen and recorded before the request is sent.
///
/// Only this name finds a secret that was created by a request whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    /// The longest marker, in characters.
    pub const MAX_LENGTH: usize = 90;

    /// Checks and takes a marker.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) unless it is 1 to 90 printable ASCII characters.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let printable = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !printable {
            return Err(Error::invalid("marker", "must be 1 to 90 printable ASCII characters"));
        }
        Ok(Self(text))
    }

    /// The marker as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The kind of object that holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyHolder {
    /// The app registration.
    Application,
    /// The service principal (enterprise application), whose passwords authenticate as well.
    ServicePrincipal,
    /// A user, as for a personal access token.
    User,
}

/// A key as the service lists it; its secret is never shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IssuedKey {
    /// The public id, which the portal shows as *Secret ID*.
    pub key: KeyId,
    /// The display name: a [`Marker`] for a key that this issuer minted, any text for others.
    pub display_name: Option<String>,
    /// When it begins to be valid, where the service says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub starts_at: Option<OffsetDateTime>,
    /// When it ends, where the service says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
    /// The kind of object that holds it.
    pub holder: KeyHolder,
}

impl IssuedKey {
    /// A key with this id and holder, and nothing else known.
    pub fn new(key: KeyId, holder: KeyHolder) -> Self {
        Self { key, display_name: None, starts_at: None, ends_at: None, holder }
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets when it begins to be valid and when it ends.
    #[must_use]
    pub fn with_validity(mut self, starts_at: Option<OffsetDateTime>, ends_at: Option<OffsetDateTime>) -> Self {
        self.starts_at = starts_at;
        self.ends_at = ends_at;
        self
    }

    /// Whether the marker is its display name.
    pub fn carries(&self, marker: &Marker) -> bool {
        self.display_name.as_deref() == Some(marker.as_str())
    }
}

/// One read of everything an issuer lists. Reads lag and flap: one absence proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Whose keys these are, for a person: the application's display name.
    pub title: String,
    /// The keys, over all objects that can hold one.
    pub keys: Vec<IssuedKey>,
    /// How many keys may exist at once on the object that holds the minted ones, where that is known to be limited.
    pub key_limit: Option<usize>,
    /// The longest life that the tenant's policy allows a new key, where it is known.
    pub max_lifetime: Option<Duration>,
    /// Whether the issuer itself signs in with one of these keys: then one sink must be the issuer's own credential.
    pub issuer_signs_in_with_these: bool,
    /// What else the read found, such as a disabled application.
    pub checks: CheckReport,
}

impl Inventory {
    /// An inventory of these keys, without limits and checks.
    pub fn new(title: impl Into<String>, keys: Vec<IssuedKey>) -> Self {
        Self { title: title.into(), keys, ..Self::default() }
    }

    /// Sets how many keys may exist at once.
    #[must_use]
    pub fn with_key_limit(mut self, limit: Option<usize>) -> Self {
        self.key_limit = limit;
        self
    }

    /// Sets the longest life of a new key.
    #[must_use]
    pub fn with_max_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// Says whether the issuer itself signs in with one of these keys.
    #[must_use]
    pub fn with_issuer_signs_in_with_these(mut self, own: bool) -> Self {
        self.issuer_signs_in_with_these = own;
        self
    }

    /// Sets what else the read found.
    #[must_use]
    pub fn with_checks(mut self, checks: CheckReport) -> Self {
        self.checks = checks;
        self
    }

    /// The key with this id, where it is listed.
    pub fn key(&self, key: KeyId) -> Option<&IssuedKey> {
        self.keys.iter().find(|issued| issued.key == key)
    }

    /// The keys whose display name is the marker.
    pub fn carrying(&self, marker: &Marker) -> impl Iterator<Item = &IssuedKey> {
        self.keys.iter().filter(move |issued| issued.carries(marker))
    }
}

/// A request for a new secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MintRequest {
    /// The unique display name, recorded durably before this request is made.
    pub marker: Marker,
    /// When the secret shall end. It is always sent: without it the service chooses an end that a tenant's policy on the
    /// life of secrets may refuse.
    pub ends_at: OffsetDateTime,
}

impl MintRequest {
    /// A secret under a marker until a moment.
    pub fn new(marker: Marker, ends_at: OffsetDateTime) -> Self {
        Self { marker, ends_at }
    }
}

/// A new secret. The service shows its text this once and never again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Minted {
    /// The public id, by which the secret is retired later.
    pub key: KeyId,
    /// The secret: seal it before anything else.
    pub secret: Secret,
    /// When it ends, as the service answered.
    pub ends_at: OffsetDateTime,
}

impl Minted {
    /// A new secret with its id and end.
    pub fn new(key: KeyId, secret: Secret, ends_at: OffsetDateTime) -> Self {
        Self { key, secret, ends_at }
    }
}

/// How the service answered the removal of a key. Neither answer proves that the key stopped working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retirement {
    /// The service accepted the removal.
    Accepted,
    /// The service does not know the key: it is gone, or this replica has not seen it yet.
    NotListed,
}

/// Mints and retires the secrets of one application, or of whatever else an implementation is bound to.
///
/// Every implementation passes `azconnect_testkit::conformance::credential_issuer`.
#[async_trait]
pub trait CredentialIssuer: Send + Sync {
    /// The stable name of what it mints for, the same in every process.
    fn subject(&self) -> &SubjectId;

    /// Reads what exists. Idempotent, without effect.
    async fn inventory(&self) -> Result<Inventory, Error>;

    /// Mints a secret. **Not idempotent**: an implementation sends the request once, and again only after an answer
    /// that proves that nothing was created.
    ///
    /// # Errors
    /// With effect [`None`](azconnect_core::Effect::None) only if provably no secret exists. With effect
    /// [`Unknown`](azconnect_core::Effect::Unknown) the caller looks for the marker in later inventories.
    ///
    /// # Cancel safety
    /// Not cancel safe: a secret may exist afterwards, findable by its marker.
    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error>;

    /// Removes exactly one key. Idempotent: a key that is not listed is a success of its own kind.
    async fn retire(&self, key: KeyId) -> Result<Retirement, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_plain_and_bounded() {
        assert!(Marker::new("azconnect 0123").is_ok());
        for bad in ["", "a\nb", "ä", &"x".repeat(91)] {
            assert!(Marker::new(bad).is_err(), "{bad:?}");
        }
    }
}
