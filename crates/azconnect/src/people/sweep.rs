//! What a crash left behind of links.

use std::collections::BTreeSet;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Labels, SecretId};
use azconnect_credential::RefreshTokens;

use super::AccountLinks;
use super::refresh_store::ROOT;
use crate::orphans::{Swept, all_sealed, check_age, forget_unnamed, no_records};
use crate::sealed_name::given_at;

/// Whom a sweep expects to find in the records.
#[derive(Clone, Copy)]
enum Expected {
    Accounts,
    Nobody,
}

impl AccountLinks {
    /// Forgets sealed tokens that no linked account has and that are at least so old: what a crash between two writes left
    /// behind. Records that cannot be read, or a store that holds none while there are sealed tokens, stop it before anything
    /// is forgotten.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `age` for less than an hour;
    /// [`Conflict`](ErrorKind::Conflict) where there are tokens and no accounts, which
    /// [`sweep_with_nobody_linked`](Self::sweep_with_nobody_linked) settles; else if a store fails, or records cannot be read.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        self.swept(age, Expected::Accounts).await
    }

    /// The same where nobody is linked: an operator has looked, and says so. It is for one call by a person, and not for a
    /// schedule: over a store that was emptied it forgets all that the people have lent.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep), but [`Conflict`](ErrorKind::Conflict) where somebody is linked after all.
    pub async fn sweep_with_nobody_linked(&self, age: Duration) -> Result<Swept, Error> {
        self.swept(age, Expected::Nobody).await
    }

    async fn swept(&self, age: Duration, expected: Expected) -> Result<Swept, Error> {
        check_age(age)?;
        let until = self.now() - age;
        // From what is named to what names it: whatever is written meanwhile is named by something that is read later.
        let sealed = all_sealed(&*self.tokens.secrets, ROOT).await?;
        let kept = self.tokens.records.all(&Labels::new()).await?;
        let accounts = self.accounts.all(&Labels::new()).await?;
        match expected {
            Expected::Accounts if accounts.is_empty() && !sealed.is_empty() => return Err(nobody_linked()),
            Expected::Nobody if !accounts.is_empty() => return Err(somebody_linked(accounts.len())),
            _ => {}
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

fn nobody_linked() -> Error {
    no_records("linked accounts").with_advice(
        "check that this is the store in which the accounts lie; if nobody is linked indeed, sweep_with_nobody_linked forgets them",
    )
}

fn somebody_linked(accounts: usize) -> Error {
    Error::new(ErrorKind::Conflict, format!("{accounts} accounts are linked"))
        .with_effect(Effect::None)
        .with_advice("take sweep, which spares what they have lent")
}
