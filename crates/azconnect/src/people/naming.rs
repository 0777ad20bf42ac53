//! The record of an account that is being linked.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{LinkedAccount, LinkedAs, Revised};

use super::{AccountLinks, is_of};

/// How often a record is written again because somebody else wrote it meanwhile.
const ATTEMPTS: u32 = 8;

impl AccountLinks {
    /// Writes the record of an account, in the place of the one that is there. Returns that, if it named a link of its own.
    pub(super) async fn name(&self, account: &LinkedAccount) -> Result<Option<LinkedAccount>, Error> {
        let which = account.linked_as();
        for _ in 0..ATTEMPTS {
            let former = self.record(which).await.map_err(|error| error.with_effect(Effect::None))?;
            let written = match &former {
                Some(former) => self.accounts.replace(account, former.revision).await,
                None => self.accounts.insert(account).await,
            };
            match written {
                Ok(_) => return Ok(own(which, former)),
                // Linked or checked by somebody else meanwhile, or unlinked: then there is nothing to replace any more.
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {}
                Err(error) if error.effect() == Effect::Unknown => return self.settled(account, former, error).await,
                Err(error) => return Err(error),
            }
        }
        Err(contended(which))
    }

    /// Whether a record was written is not known: what is there now says.
    async fn settled(
        &self,
        account: &LinkedAccount,
        former: Option<Revised<LinkedAccount>>,
        error: Error,
    ) -> Result<Option<LinkedAccount>, Error> {
        let which = account.linked_as();
        match self.record(which).await {
            Ok(Some(now)) if now.value.link == account.link => Ok(own(which, former)),
            Ok(now) if now.as_ref().map(|now| now.revision) == former.as_ref().map(|former| former.revision) => {
                Err(error.with_effect(Effect::None))
            }
            _ => Err(error),
        }
    }
}

/// The account of a record, unless somebody has written another one's link into it: that one is none of ours to forget.
fn own(which: LinkedAs, record: Option<Revised<LinkedAccount>>) -> Option<LinkedAccount> {
    record.map(|record| record.value).filter(|account| is_of(which, account))
}

fn contended(which: LinkedAs) -> Error {
    Error::new(ErrorKind::Unavailable, format!("others keep changing the link {which}"))
        .with_effect(Effect::None)
        .with_advice("find out what changes it, and link the account again")
}
