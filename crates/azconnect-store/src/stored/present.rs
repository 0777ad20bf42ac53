//! Which secrets a store holds, as this process has seen it last.

use std::ops::Bound;

use azconnect_core::{Error, MAX_LISTED, SecretId};

use super::tampered;
use crate::seal::SealingKeyId;
use crate::seal::SealingKeys;
use crate::seal::journal::{JournalId, Totals};
use crate::seal::mac::Mac;
use crate::seal::presence::Presence;

/// The name of a sealed secret and the change that wrote it, which is all that it counts with.
pub(crate) type Counted = (SecretId, u64);

/// The secrets that there are, and the mark that they had when they were looked at.
pub(crate) struct Present {
    presence: Presence,
    /// None while a change of them is not known to be stored: then they are looked at anew.
    mark: Option<Mac>,
}

impl Present {
    /// The secrets that lie in a store, if they are those that its totals speak of.
    pub(crate) fn of(keys: &SealingKeys, totals: &Totals, lying: Vec<Counted>) -> Result<Self, Error> {
        let mark = totals.secrets.ok_or_else(|| tampered::totals("has totals that count no secrets"))?;
        let key = mark.key_id().ok_or_else(tampered::secrets)?;
        let presence = gather(keys, &totals.id, key, lying)?;
        if presence.is_marked(keys, &mark) { Ok(Self { presence, mark: Some(mark) }) } else { Err(tampered::secrets()) }
    }

    /// Whether they are known to be those that these totals speak of.
    pub(crate) fn is_at(&self, totals: &Totals) -> bool {
        self.mark.is_some() && self.mark == totals.secrets
    }

    /// Whether they are counted with the current key. Where they are not, a change has to look at them anew first: a row may
    /// have been changed since, and the new mark must not cover that.
    pub(crate) fn is_under_current(&self, keys: &SealingKeys) -> bool {
        self.presence.key() == keys.current().id()
    }

    /// The change that wrote the secret of a name, if there is one.
    pub(crate) fn change_of(&self, id: &SecretId) -> Option<u64> {
        self.presence.change(id)
    }

    /// Counts a secret in, or out, and returns the totals after that, marked with the current key. [`Present::stored`] says
    /// that they were stored.
    pub(crate) fn change(
        &mut self,
        keys: &SealingKeys,
        totals: &Totals,
        id: &SecretId,
        change: Option<u64>,
    ) -> Result<Totals, Error> {
        self.mark = None;
        if !self.is_under_current(keys) {
            self.presence = self.presence.under(keys, keys.current().id())?;
        }
        match change {
            Some(change) => self.presence.insert(keys, id.clone(), change)?,
            None => drop(self.presence.remove(keys, id)?),
        }
        let mark = self.presence.mark(keys)?;
        Ok(Totals { secrets: Some(mark), ..totals.changed(keys, mark.as_bytes())? })
    }

    /// Takes note that a change was stored.
    pub(crate) fn stored(&mut self, totals: &Totals) {
        self.mark = totals.secrets;
    }

    /// Their mark under the current key.
    pub(crate) fn marked_anew(&self, keys: &SealingKeys) -> Result<Mac, Error> {
        self.presence.under(keys, keys.current().id())?.mark(keys)
    }

    /// The names after one that begin with a prefix, byte by byte.
    pub(crate) fn names(&self, prefix: &str, after: Option<&SecretId>) -> Vec<SecretId> {
        let begin = match SecretId::new(prefix) {
            Ok(begin) => Some(begin),
            Err(_) if prefix.is_empty() => None,
            // What is no name begins none.
            Err(_) => return Vec::new(),
        };
        let begin = begin.as_ref().map_or(Bound::Unbounded, Bound::Included);
        let from = match (after, begin) {
            (Some(after), Bound::Included(begin)) if after < begin => Bound::Included(begin),
            (Some(after), _) => Bound::Excluded(after),
            (None, begin) => begin,
        };
        let names = self.presence.names(from).take_while(|id| id.as_str().starts_with(prefix));
        names.take(MAX_LISTED).cloned().collect()
    }
}

/// Counts what lies in a store.
pub(crate) fn gather(
    keys: &SealingKeys,
    journal: &JournalId,
    key: SealingKeyId,
    lying: Vec<Counted>,
) -> Result<Presence, Error> {
    let mut presence = Presence::none(*journal, key);
    for (id, change) in lying {
        presence.insert(keys, id, change)?;
    }
    Ok(presence)
}
