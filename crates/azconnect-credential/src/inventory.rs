//! What an issuer lists, and which holders of keys it could not read.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use azconnect_core::KeyId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::check_report::CheckReport;
use crate::marker::Marker;

/// The kind of object that holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

impl fmt::Display for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Application => "application",
            Self::ServicePrincipal => "service principal",
            Self::User => "user",
        })
    }
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
///
/// Nor does the absence of a key whose holder could not be read: [`Inventory::saw`] says which holders were.
///
/// ```
/// use azconnect_credential::{Inventory, KeyHolder};
///
/// let inventory = Inventory::new("Deployer", Vec::new()).with_unseen(KeyHolder::ServicePrincipal);
/// assert!(inventory.saw(KeyHolder::Application));
/// assert!(!inventory.saw(KeyHolder::ServicePrincipal), "its keys are not absent, only not seen");
/// assert!(!inventory.is_complete());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Whose keys these are, for a person: the application's display name.
    pub title: String,
    /// The keys, over all objects that can hold one and could be read.
    pub keys: Vec<IssuedKey>,
    /// The kinds of objects that may hold keys and could not be read: their keys are missing from
    /// [`keys`](Self::keys), which is not to say that they are gone.
    pub unseen: BTreeSet<KeyHolder>,
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

    /// Says that a kind of object that may hold keys could not be read. Several may be named, one after the other.
    #[must_use]
    pub fn with_unseen(mut self, holder: KeyHolder) -> Self {
        self.unseen.insert(holder);
        self
    }

    /// Whether this read would have shown a key that such an object holds, as far as the replica that answered knows.
    pub fn saw(&self, holder: KeyHolder) -> bool {
        !self.unseen.contains(&holder)
    }

    /// Whether every object that may hold a key was read.
    pub fn is_complete(&self) -> bool {
        self.unseen.is_empty()
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
