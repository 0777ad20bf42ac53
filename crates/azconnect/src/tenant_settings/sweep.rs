//! Sealed tokens that a crash left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use azconnect_core::{Error, Labels};

use super::{TenantIntegrations, sealed};
use crate::orphans::{Swept, all_sealed, check_age, forget_unnamed, no_records};

impl TenantIntegrations {
    /// Forgets the sealed tokens that no settings name and that are at least so old: what a crash between two writes left
    /// behind. Settings that cannot be read, or a store that holds none while there are sealed tokens, stop it before anything
    /// is forgotten: that is more likely the wrong store, or one that was restored.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `age` for less than an hour;
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) where there are tokens and no settings; else if a store fails, or
    /// settings cannot be read.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        check_age(age)?;
        let now = self.now();
        // The tokens first: what is sealed after this is not looked at, and what was named before is seen in the settings.
        let sealed = all_sealed(&*self.secrets, sealed::ROOT).await?;
        let settings = self.records.all(&Labels::new()).await?;
        if settings.is_empty() && !sealed.is_empty() {
            return Err(no_records("tenants"));
        }
        let mut named = BTreeSet::new();
        for one in &settings {
            named.extend(sealed::token(&one.value)?.cloned());
        }
        forget_unnamed(&*self.secrets, sealed, &named, now - age).await
    }
}
