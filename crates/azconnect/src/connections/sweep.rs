//! Sealed secrets of connections that a crash left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use azconnect_core::{Error, Labels};

use super::{Connections, sealed};
use crate::orphans::{Swept, all_sealed, check_age, forget_unnamed, no_records};

impl Connections {
    /// Forgets the sealed secrets of connections that no record names and that are at least so old: what a crash between two
    /// writes left behind. A record that cannot be read, or a store of records that holds none while there are sealed
    /// secrets, stops it before anything is forgotten: that is more likely the wrong store, or one that was restored.
    ///
    /// For a product whose records all lie in this storage. Those that it keeps elsewhere, from an earlier version, must have
    /// been [adopted](Self::adopt) first.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `age` for less than an hour;
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) where there are secrets and no records; else if a store fails, or a
    /// record cannot be read.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        check_age(age)?;
        let now = self.now();
        // The secrets first: what is sealed after this is not looked at, and what was named before is seen in the records.
        let sealed = all_sealed(&*self.secrets, sealed::ROOT).await?;
        let records = self.records.all(&Labels::new()).await?;
        if records.is_empty() && !sealed.is_empty() {
            return Err(no_records("connections"));
        }
        let mut named = BTreeSet::new();
        for record in &records {
            named.extend(sealed::sealed(&record.value)?.cloned());
        }
        forget_unnamed(&*self.secrets, sealed, &named, now - age).await
    }
}
