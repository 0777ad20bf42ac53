//! What a crash left behind of links.

use std::collections::BTreeSet;
use std::time::Duration;

use azconnect_core::{Error, Labels, SecretId};
use azconnect_credential::RefreshTokens;

use super::AccountLinks;
use super::refresh_store::ROOT;
use crate::orphans::{Swept, all_sealed, check_age, forget_unnamed, no_records};
use crate::sealed_name::given_at;

impl AccountLinks {
    /// Forgets sealed tokens that no linked account has and that are at least so old: what a crash between two writes left
    /// behind. Records that cannot be read, or a store that holds none while there are sealed tokens, stop it before anything
    /// is forgotten.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `age` for less than an hour;
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) where there are tokens and no accounts; else if a store fails, or
    /// records cannot be read.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        check_age(age)?;
        let until = self.now() - age;
        // From what is named to what names it: whatever is written meanwhile is named by something that is read later.
        let sealed = all_sealed(&*self.tokens.secrets, ROOT).await?;
        let kept = self.tokens.records.all(&Labels::new()).await?;
        let accounts = self.accounts.all(&Labels::new()).await?;
        if accounts.is_empty() && !sealed.is_empty() {
            return Err(no_records("linked accounts"));
        }
        let linked: BTreeSet<_> = accounts.iter().map(|account| &account.value.link).collect();
        let mut named = BTreeSet::new();
        let mut swept = Swept::default();
        for kept in &kept {
            let is_old =
                SecretId::new(kept.value.link.as_str()).is_ok_and(|name| given_at(&name).is_some_and(|at| at <= until));
            if linked.contains(&kept.value.link) || !is_old {
                named.insert(kept.value.secret.clone());
            } else {
                self.tokens.remove(&kept.value.link).await?;
                swept.forgotten.push(kept.value.secret.clone());
                named.insert(kept.value.secret.clone());
            }
        }
        let unnamed = forget_unnamed(&*self.tokens.secrets, sealed, &named, until).await?;
        swept.forgotten.extend(unnamed.forgotten);
        swept.kept.extend(unnamed.kept);
        Ok(swept)
    }
}
