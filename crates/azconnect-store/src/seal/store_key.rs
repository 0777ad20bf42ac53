//! A key of a store's own, which is kept in its database, wrapped by a key that is kept elsewhere.
//!
//! The wrapping key is asked once at the opening, and when the key is wrapped anew: never within a transaction, and never for a
//! secret. So a vault that is out of reach stops no store that is open.

use std::collections::BTreeSet;

use azconnect_core::{Effect, Error, ErrorKind, KeyWrap, WrappedKey, WrappingKeyId};

use super::mac::{Mac, Message};
use super::{SealingKey, SealingKeyId, SealingKeys};

/// How often an opening reads the keys of a store at most, if others change them meanwhile. Each time it reads again another
/// process has come through, so this is the number of processes that may make a new key at once.
pub(crate) const MOST_READINGS: usize = 32;

/// A wrapped key of a store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoreKey {
    /// The id of the key, in hexadecimal.
    pub(crate) id: String,
    pub(crate) wrapped: WrappedKey,
    /// The mark of this key on the names of all keys of the store, in order: nobody can add one who has none of them.
    pub(crate) mark: Vec<u8>,
}

impl StoreKey {
    /// Whether it is the same key, wrapped in the same way, whatever its mark covers.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.wrapped == other.wrapped
    }
}

/// The names of all keys of a store, in order, as each of them marks it.
fn message(keys: &[StoreKey]) -> Message {
    let message = Message::new("azconnect store keys 1").number(keys.len() as u64);
    keys.iter().fold(message, |message, key| message.bytes(key.id.as_bytes()))
}

/// The keys of a store, marked as they are to lie there.
pub(crate) fn marked(ring: &SealingKeys, mut keys: Vec<StoreKey>) -> Result<Vec<StoreKey>, Error> {
    let message = message(&keys);
    for key in &mut keys {
        key.mark = ring.mark_with(key.id.parse()?, &message)?.as_bytes().to_vec();
    }
    Ok(keys)
}

/// Refuses keys of which one was added, removed or moved by somebody who has none of the others.
fn check_marks(ring: &SealingKeys, keys: &[StoreKey]) -> Result<(), Error> {
    let message = message(keys);
    let is_marked = |key: &StoreKey| {
        let mac = Mac::from_bytes(&key.mark)?;
        (mac.key_id()?.to_string() == key.id && ring.is_marked(&message, &mac)).then_some(())
    };
    match keys.iter().all(|key| is_marked(key).is_some()) {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Corrupt, "the wrapped keys of the store are not those that it left")
            .with_effect(Effect::None)
            .with_field("wrapping_key")
            .with_advice("find out who can write the database, and restore it from a backup; nothing was changed")),
    }
}

/// What a key of the store is wrapped for. Its own name is a part of it: two wrapped keys cannot change places.
fn context(id: &str) -> String {
    format!("azconnect store key/{id}")
}

async fn unwrap(wrap: &dyn KeyWrap, key: &StoreKey) -> Result<SealingKey, Error> {
    let plain = wrap.unwrap(&context(&key.id), &key.wrapped).await?;
    let own = SealingKey::from_bytes(plain.expose())?;
    if own.id().to_string() == key.id {
        return Ok(own);
    }
    Err(Error::new(ErrorKind::Corrupt, format!("the store key {} was unwrapped as another one", key.id))
        .with_effect(Effect::None)
        .with_field("wrapping_key")
        .with_advice("restore the database from a backup; nothing was changed"))
}

/// A key, wrapped and, to be sure, unwrapped again.
async fn wrapped(wrap: &dyn KeyWrap, key: &SealingKey) -> Result<StoreKey, Error> {
    let id = key.id().to_string();
    let wrapped = wrap.wrap(&context(&id), &key.to_plain()?).await?;
    let own = StoreKey { id, wrapped, mark: Vec::new() };
    unwrap(wrap, &own).await?;
    Ok(own)
}

/// The last key as the current one, and the others as previous ones.
fn ring(keys: impl Iterator<Item = SealingKey>) -> Option<SealingKeys> {
    let mut keys: Vec<_> = keys.collect();
    let current = SealingKeys::new(keys.pop()?);
    Some(keys.into_iter().fold(current, SealingKeys::with_previous))
}

/// The wrapped keys of a store as they were read, and the one that is to be added to them.
pub(crate) struct StoreKeys {
    pub(crate) former: Vec<StoreKey>,
    pub(crate) added: Option<StoreKey>,
}

impl StoreKeys {
    /// Unwraps the keys of a store, the last of which is the current one, and makes a new one where there is none yet, or where
    /// one is wanted. None for a store that has no key of its own; `found` is none where there is no store.
    pub(crate) async fn open(
        wrap: &dyn KeyWrap,
        found: Option<Vec<StoreKey>>,
        renews: bool,
    ) -> Result<Option<(SealingKeys, Self)>, Error> {
        let exists = found.is_some();
        let former = found.unwrap_or_default();
        if exists && former.is_empty() {
            return Ok(None);
        }
        let mut keys = Vec::new();
        for key in &former {
            keys.push(unwrap(wrap, key).await?);
        }
        let mut added = None;
        if keys.is_empty() || renews {
            let key = SealingKey::generate()?;
            added = Some(wrapped(wrap, &key).await?);
            keys.push(key);
        }
        let Some(ring) = ring(keys.into_iter()) else { return Ok(None) };
        check_marks(&ring, &former)?;
        Ok(Some((ring, Self { former, added })))
    }

    /// The keys as they are to lie there, where one is to be added to those that were found.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has changed the keys since they were read.
    pub(crate) fn admit(&self, ring: &SealingKeys, found: &[StoreKey]) -> Result<Option<Vec<StoreKey>>, Error> {
        // It was created with it a moment ago.
        if self.added.as_ref().is_some_and(|added| found.last().is_some_and(|last| last.is_same(added))) {
            return Ok(None);
        }
        if found == self.former {
            let added = |added: &StoreKey| marked(ring, self.former.iter().chain([added]).cloned().collect());
            return self.added.as_ref().map(added).transpose();
        }
        Err(Error::new(ErrorKind::Conflict, "another process has changed the store's key meanwhile")
            .with_effect(Effect::None)
            .with_advice("open the database again"))
    }
}

/// All keys of a store that a process has opened, wrapped anew.
pub(crate) struct WrappedAnew {
    others: Vec<StoreKey>,
    current: StoreKey,
}

impl WrappedAnew {
    pub(crate) async fn of(wrap: &dyn KeyWrap, keys: &SealingKeys) -> Result<Self, Error> {
        let current = wrapped(wrap, keys.current()).await?;
        let mut others = Vec::new();
        for key in keys.previous() {
            others.push(wrapped(wrap, key).await?);
        }
        Ok(Self { others, current })
    }

    /// The key with which they are wrapped.
    pub(crate) fn wrapper(&self) -> WrappingKeyId {
        self.current.wrapped.key.clone()
    }

    /// What takes the place of the keys that lie in the store: all with which it is sealed, and the current one last.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has added one.
    pub(crate) fn in_place_of<'a>(
        &self,
        ring: &SealingKeys,
        former: &'a [StoreKey],
        noted: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<StoreKey>, Error> {
        let needed: BTreeSet<&str> = former.iter().map(|key| key.id.as_str()).chain(noted).collect();
        if needed.iter().any(|id| !ring.has_named(id)) {
            return Err(unopened());
        }
        let others = self.others.iter().filter(|key| needed.contains(key.id.as_str()));
        marked(ring, others.chain([&self.current]).cloned().collect())
    }
}

/// The key of a store that stays when the others are forgotten.
pub(crate) fn current_alone(ring: &SealingKeys, former: &[StoreKey]) -> Result<Vec<StoreKey>, Error> {
    let current = ring.current().id().to_string();
    marked(ring, former.iter().filter(|key| key.id == current).cloned().collect())
}

fn unopened() -> Error {
    Error::new(ErrorKind::Conflict, "another process has added a key to the store")
        .with_effect(Effect::None)
        .with_advice("open the store again, then wrap its keys")
}

/// Refuses a store whose key, which whoever writes its database may have made and wrapped, is not the one that is known
/// elsewhere.
pub(crate) fn require_expected(expected: Option<SealingKeyId>, keys: &SealingKeys, exists: bool) -> Result<(), Error> {
    let Some(expected) = expected.filter(|expected| keys.key(*expected).is_none()) else { return Ok(()) };
    let what = if exists { "is sealed with another key than the expected one" } else { "is gone" };
    Err(Error::new(ErrorKind::Corrupt, format!("the database {what} ({expected})"))
        .with_effect(Effect::None)
        .with_advice("find out who replaced the database, and restore it from a backup; nothing was changed"))
}

impl SealingKeys {
    /// Whether one of them has this name.
    pub(crate) fn has_named(&self, id: &str) -> bool {
        std::iter::once(self.current())
            .chain(self.previous())
            .map(SealingKey::id)
            .any(|own: SealingKeyId| own.to_string() == id)
    }
}
