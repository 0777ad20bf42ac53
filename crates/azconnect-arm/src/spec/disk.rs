//! The disks of a machine: what is wanted of them.

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

/// A data disk, which is created empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataDisk {
    /// The size in GiB.
    pub size_gib: u32,
    /// The kind of storage, such as `Premium_LRS`.
    pub kind: String,
}

impl DataDisk {
    /// A disk of a size in GiB, of the kind `StandardSSD_LRS`.
    pub fn new(size_gib: u32) -> Self {
        Self { size_gib, kind: "StandardSSD_LRS".to_owned() }
    }

    /// Sets the kind of storage, such as `Premium_LRS`.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }
}

/// Checks the size of the system disk.
pub(super) fn check_os_disk(size_gib: Option<u32>) -> Result<(), Error> {
    if size_gib.is_some_and(|size| size == 0 || size > 4_095) {
        return Err(Error::invalid("os_disk", "is of an impossible size")
            .with_advice("use 1 to 4,095 GiB for the system disk, and data disks for more"));
    }
    Ok(())
}

/// Checks the data disks.
pub(super) fn check_data_disks(disks: &[DataDisk]) -> Result<(), Error> {
    let mut sizes = disks.iter().map(|disk| disk.size_gib);
    if disks.len() > 64 || sizes.any(|size| size == 0 || size > 65_536) {
        return Err(Error::invalid("disk", "is of an impossible size, or there are too many")
            .with_advice("use at most 64 disks of 1 to 65,536 GiB"));
    }
    Ok(())
}
