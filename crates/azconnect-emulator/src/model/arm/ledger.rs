//! The ledger of every resource that was ever created.

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

/// The entries, in the order of creation.
#[derive(Default)]
pub(crate) struct Ledger(Vec<LedgerEntry>);

impl Ledger {
    pub(crate) fn entries(&self) -> &[LedgerEntry] {
        &self.0
    }

    /// Notes a creation, unless the resource is there already.
    pub(crate) fn created(&mut self, id: &str, kind: &str, at: OffsetDateTime, by: Option<Uuid>, with: Option<&str>) {
        // A second PUT of the same resource creates nothing.
        if self.live(id).is_some() {
            return;
        }
        self.0.push(LedgerEntry {
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
        if let Some(entry) = self.live(id) {
            entry.deleted_at = Some(at);
            entry.deleted_by = by;
        }
    }

    fn live(&mut self, id: &str) -> Option<&mut LedgerEntry> {
        let wanted = key(id);
        // From the end: an id may have lived and died before.
        self.0.iter_mut().rev().find(|entry| entry.is_live() && key(&entry.id) == wanted)
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
}
