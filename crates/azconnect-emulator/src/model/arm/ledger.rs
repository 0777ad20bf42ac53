//! The ledger of every resource that was ever created.

use std::collections::HashMap;

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::address::key;

/// The life of one resource, from its creation to its deletion. A resource that is created again has another entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// Its id, as it was first written.
    pub id: String,
    /// Its type, such as `Microsoft.Compute/disks`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was created, by the emulator's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The object id of the principal that created it; none if it is from the seed.
    pub created_by: Option<Uuid>,
    /// The resource that it was created together with, such as the machine of a disk.
    pub created_with: Option<String>,
    /// When it was deleted; none while it exists.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<OffsetDateTime>,
    /// The object id of the principal that deleted it, or that deleted the resource it was a part of.
    pub deleted_by: Option<Uuid>,
}

impl LedgerEntry {
    /// Whether the resource still exists.
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }
}

/// The entries, in the order of creation: every resource that exists, and the last ones that were deleted.
pub(crate) struct Ledger {
    entries: Vec<LedgerEntry>,
    /// Where those that exist stand, by their ids as [`key`] makes them.
    live: HashMap<String, usize>,
    deleted: usize,
    kept: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        // All of them, until the settings are known.
        Self { entries: Vec::new(), live: HashMap::new(), deleted: 0, kept: usize::MAX }
    }
}

impl Ledger {
    pub(crate) fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// Notes a creation, unless the resource is there already.
    pub(crate) fn created(&mut self, id: &str, kind: &str, at: OffsetDateTime, by: Option<Uuid>, with: Option<&str>) {
        // A second PUT of the same resource creates nothing.
        let key = key(id);
        if self.live.contains_key(&key) {
            return;
        }
        self.live.insert(key, self.entries.len());
        self.entries.push(LedgerEntry {
            id: id.to_owned(),
            kind: kind.to_owned(),
            created_at: at,
            created_by: by,
            created_with: with.map(str::to_owned),
            deleted_at: None,
            deleted_by: None,
        });
    }

    /// Notes the deletion of a resource, if it exists.
    pub(crate) fn deleted(&mut self, id: &str, at: OffsetDateTime, by: Option<Uuid>) {
        let Some(entry) = self.live.remove(&key(id)).and_then(|position| self.entries.get_mut(position)) else {
            return;
        };
        entry.deleted_at = Some(at);
        entry.deleted_by = by;
        self.deleted += 1;
        self.forget();
    }

    /// Sets how many deleted resources are remembered.
    pub(crate) fn keep(&mut self, kept: usize) {
        self.kept = kept;
        self.forget();
    }

    /// Forgets the oldest of those that were deleted. In strokes, since each looks at every entry.
    fn forget(&mut self) {
        let stroke = self.kept / 4;
        if self.deleted <= self.kept.saturating_add(stroke) {
            return;
        }
        let mut surplus = self.deleted - self.kept;
        self.deleted = self.kept;
        self.entries.retain(|entry| {
            let goes = !entry.is_live() && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
        let live = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_live());
        self.live = live.map(|(position, entry)| (key(&entry.id), position)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_created_again_has_two_entries() {
        let mut ledger = Ledger::default();
        let at = OffsetDateTime::UNIX_EPOCH;
        ledger.created("/a/B", "t", at, None, None);
        ledger.created("/A/b", "t", at, None, None);
        assert_eq!(ledger.entries().len(), 1);
        ledger.deleted("/a/b", at, None);
        ledger.created("/a/b", "t", at, None, None);
        let live: Vec<bool> = ledger.entries().iter().map(LedgerEntry::is_live).collect();
        assert_eq!(live, [false, true]);
    }

    #[test]
    fn of_the_deleted_the_last_are_remembered_and_of_the_others_all() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let mut ledger = Ledger { kept: 8, ..Ledger::default() };
        ledger.created("/stays", "t", at, None, None);
        for number in 0..1000 {
            ledger.created(&format!("/{number}"), "t", at, None, None);
            ledger.deleted(&format!("/{number}"), at, None);
            assert!(ledger.entries().len() <= 1 + 8 + 2, "{}", ledger.entries().len());
            assert_eq!(ledger.live.len(), 1);
        }
        assert!(ledger.entries().iter().any(|entry| entry.id == "/stays"));
        assert!(ledger.entries().iter().any(|entry| entry.id == "/999"));
        assert!(!ledger.entries().iter().any(|entry| entry.id == "/0"));
    }
}
