//! Sealed secrets that a crash left behind: no record names them.

use std::collections::BTreeSet;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, MAX_LISTED, SecretId, SecretStore};
use time::OffsetDateTime;

use crate::sealed_name::given_at;

/// The least age of what a sweep forgets. Whoever seals a secret names it in a record within seconds, or minutes if its
/// process is suspended in between.
const LEAST_AGE: Duration = Duration::from_secs(3600);

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// The sealed secrets that no record names and that were old enough: they are forgotten.
    pub forgotten: Vec<SecretId>,
    /// The sealed secrets that no record names and that stay: too new, or of an earlier version, whose names say no age.
    pub kept: Vec<SecretId>,
}

/// Whether what was sealed at a moment may be named now: no sweep that has begun takes it for old. A process may have slept between
/// the two for longer than any sweep waits.
pub(crate) fn may_be_named(sealed_at: OffsetDateTime, now: OffsetDateTime) -> bool {
    now - sealed_at < LEAST_AGE / 2
}

/// Refuses an age that a secret may have which is about to be named.
pub(crate) fn check_age(age: Duration) -> Result<(), Error> {
    if age >= LEAST_AGE {
        return Ok(());
    }
    Err(Error::invalid("age", "is less than an hour")
        .with_advice("what was sealed a moment ago may be about to be named: give an hour or more, such as a day"))
}

/// All names of sealed secrets below a root.
pub(crate) async fn all_sealed(secrets: &dyn SecretStore, root: &str) -> Result<Vec<SecretId>, Error> {
    let mut all: Vec<SecretId> = Vec::new();
    loop {
        let portion = secrets.list(root, all.last()).await?;
        let is_last = portion.len() < MAX_LISTED;
        all.extend(portion);
        if is_last {
            return Ok(all);
        }
    }
}

/// Forgets those of the sealed secrets that no record names and whose names were given until `until`.
pub(crate) async fn forget_unnamed(
    secrets: &dyn SecretStore,
    sealed: Vec<SecretId>,
    named: &BTreeSet<SecretId>,
    until: OffsetDateTime,
) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    for secret in sealed.into_iter().filter(|secret| !named.contains(secret)) {
        if given_at(&secret).is_some_and(|at| at <= until) {
            secrets.remove(&secret).await?;
            swept.forgotten.push(secret);
        } else {
            swept.kept.push(secret);
        }
    }
    Ok(swept)
}

/// The error for sealed secrets without any record.
pub(crate) fn no_records(whose: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("there are sealed secrets of {whose}, and no record at all"))
        .with_effect(Effect::None)
        .with_advice("check that this is the store in which the records lie, and that it was not emptied")
}
