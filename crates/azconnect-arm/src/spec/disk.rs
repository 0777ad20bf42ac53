//! The disks of a machine: what is wanted of them.

use std::collections::BTreeSet;
use std::fmt;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

/// The kinds of storage that a data disk can have.
const DATA_KINDS: &[&str] = &[
    "Standard_LRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "PremiumV2_LRS",
    "UltraSSD_LRS",
];

/// The kinds that no host caches, and that hold no system.
const UNCACHED_KINDS: &[&str] = &["PremiumV2_LRS", "UltraSSD_LRS"];

/// The largest disk that a host caches, in GiB.
const LARGEST_CACHED_GIB: u32 = 4_095;

/// What the host of a machine caches of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Caching {
    /// Nothing, as for logs and whatever is written more than read.
    None,
    /// What is read. What is written goes to the disk at once.
    ReadOnly,
    /// What is read and written. Only for software that can lose what was written last.
    ReadWrite,
}

impl Caching {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::ReadOnly => "ReadOnly",
            Self::ReadWrite => "ReadWrite",
        }
    }
}

/// A data disk, which is created empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataDisk {
    /// The size in GiB.
    pub size_gib: u32,
    /// The kind of storage, such as `Premium_LRS`.
    pub kind: String,
    /// The logical unit number, by which the machine finds the disk; `None` for its position among the data disks, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lun: Option<u8>,
    /// What the host caches; `None` for the service's own choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caching: Option<Caching>,
    /// Whether the disk stays when the machine is deleted. Then no clean-up deletes it, nor the group that holds it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
}

impl DataDisk {
    /// A disk of a size in GiB, of the kind `StandardSSD_LRS`, which is deleted with the machine.
    pub fn new(size_gib: u32) -> Self {
        Self { size_gib, kind: "StandardSSD_LRS".to_owned(), lun: None, caching: None, kept: false }
    }

    /// Sets the kind of storage, such as `Premium_LRS`.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Sets the logical unit number, from 0 to 63.
    #[must_use]
    pub fn with_lun(mut self, lun: u8) -> Self {
        self.lun = Some(lun);
        self
    }

    /// Sets what the host caches.
    #[must_use]
    pub fn with_caching(mut self, caching: Caching) -> Self {
        self.caching = Some(caching);
        self
    }

    /// Keeps the disk when the machine is deleted. [`CleanUp::kept`](crate::CleanUp::kept) names it, and whoever wanted it
    /// deletes it.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// The logical unit number of the disk at a position among the data disks.
    pub(crate) fn lun_at(&self, position: usize) -> usize {
        self.lun.map_or(position, usize::from)
    }

    /// Whether the kind needs a machine that is switched to ultra disks.
    pub(crate) fn is_ultra(&self) -> bool {
        self.kind == "UltraSSD_LRS"
    }

    fn check(&self) -> Result<(), Error> {
        if self.size_gib == 0 || self.size_gib > 65_536 {
            return Err(
                Error::invalid("disk", "is of an impossible size").with_advice("use 1 to 65,536 GiB for a data disk")
            );
        }
        if !DATA_KINDS.contains(&self.kind.as_str()) {
            return Err(Error::invalid("disk", format!("is of the unknown kind {:?}", self.kind))
                .with_advice(format!("use one of {}", DATA_KINDS.join(", "))));
        }
        let cached = self.caching.is_some_and(|caching| caching != Caching::None);
        if cached && UNCACHED_KINDS.contains(&self.kind.as_str()) {
            return Err(Error::invalid("disk", format!("{} is never cached", self.kind))
                .with_advice("leave the caching out, or set it to Caching::None"));
        }
        if cached && self.size_gib > LARGEST_CACHED_GIB {
            return Err(Error::invalid("disk", "is too large to be cached")
                .with_advice("use Caching::None for a disk of more than 4,095 GiB"));
        }
        Ok(())
    }
}

impl fmt::Display for DataDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GiB {}", self.size_gib, self.kind)?;
        if let Some(caching) = self.caching {
            write!(f, ", caching {}", caching.word())?;
        }
        f.write_str(if self.kept { ", stays when the machine is deleted" } else { ", deleted with the machine" })
    }
}

/// Checks the size and kind of the system disk.
pub(super) fn check_os_disk(size_gib: Option<u32>, kind: &str) -> Result<(), Error> {
    if size_gib.is_some_and(|size| size == 0 || size > 4_095) {
        return Err(Error::invalid("os_disk", "is of an impossible size")
            .with_advice("use 1 to 4,095 GiB for the system disk, and data disks for more"));
    }
    let allowed: Vec<&str> = DATA_KINDS.iter().copied().filter(|kind| !UNCACHED_KINDS.contains(kind)).collect();
    if !allowed.contains(&kind) {
        return Err(Error::invalid("os_disk", format!("cannot be of the kind {kind:?}"))
            .with_advice(format!("use one of {}", allowed.join(", "))));
    }
    Ok(())
}

/// Checks the data disks.
pub(super) fn check_data_disks(disks: &[DataDisk]) -> Result<(), Error> {
    let mut luns = BTreeSet::new();
    for (position, disk) in disks.iter().enumerate() {
        disk.check()?;
        let lun = disk.lun_at(position);
        if lun > 63 || !luns.insert(lun) {
            return Err(Error::invalid("disk", format!("has the LUN {lun}, which is taken or beyond 63"))
                .with_advice("use at most 64 data disks, each with a LUN of its own from 0 to 63"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(disks: &[DataDisk]) -> String {
        check_data_disks(disks).unwrap_err().message().to_owned()
    }

    #[test]
    fn a_disk_that_the_service_would_refuse_is_refused() {
        let disk = || DataDisk::new(64);
        assert!(check_data_disks(&[disk(), disk().with_lun(7), disk().with_caching(Caching::ReadOnly)]).is_ok());
        assert!(refused(&[disk().with_kind("Fast")]).contains("Fast"));
        assert!(refused(&[disk(), disk().with_lun(0)]).contains("LUN 0"));
        assert!(refused(&[disk().with_lun(64)]).contains("LUN 64"));
        assert!(refused(&[disk().with_kind("PremiumV2_LRS").with_caching(Caching::ReadOnly)]).contains("never cached"));
        assert!(refused(&[DataDisk::new(4_096).with_caching(Caching::ReadOnly)]).contains("too large"));
        assert!(check_data_disks(&[DataDisk::new(4_096).with_caching(Caching::None)]).is_ok());
        assert_eq!(check_os_disk(None, "UltraSSD_LRS").unwrap_err().field(), Some("os_disk"));
    }

    #[test]
    fn a_disk_of_an_earlier_journal_is_deleted_with_its_machine() {
        let read: DataDisk = serde_json::from_str(r#"{"size_gib":64,"kind":"StandardSSD_LRS"}"#).unwrap();
        assert_eq!(read, DataDisk::new(64));
    }
}
