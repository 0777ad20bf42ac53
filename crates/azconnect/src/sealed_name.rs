//! The names of sealed secrets: each is used once, holds whose the secret is, and says when it was given.

use azconnect_core::{Error, SecretId};
use azconnect_store::seal::owner_digest;
use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

/// Where the secrets of one owner are sealed. A sealed secret opens under its own name alone, so it opens for no other owner.
pub(crate) struct Owner(String);

impl Owner {
    /// An owner of the secrets below a root, such as `connection/`, by everything that makes it this owner.
    pub(crate) fn new(root: &str, parts: &[&str]) -> Self {
        Self(format!("{root}{}/", owner_digest(parts)))
    }

    /// A name that no secret of this owner has had.
    pub(crate) fn new_name(&self, now: OffsetDateTime) -> Result<SecretId, Error> {
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        let unique = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond()));
        SecretId::new(format!("{}{unique}", self.0))
    }

    /// What begins the names of all secrets of this owner, and no others.
    pub(crate) fn prefix(&self) -> &str {
        &self.0
    }

    /// Whether a name is one that was given for this owner.
    pub(crate) fn owns(&self, name: &SecretId) -> bool {
        name.as_str().strip_prefix(&self.0).is_some_and(|unique| Uuid::try_parse(unique).is_ok())
    }
}

/// When a name was given, by the clock of the process that gave it. None for a name of an earlier version.
pub(crate) fn given_at(name: &SecretId) -> Option<OffsetDateTime> {
    let (_, unique) = name.as_str().rsplit_once('/')?;
    let (seconds, nanoseconds) = Uuid::try_parse(unique).ok()?.get_timestamp()?.to_unix();
    let at = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    at.checked_add(time::Duration::nanoseconds(nanoseconds.into()))
}
