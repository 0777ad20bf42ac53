//! The record of an account that is being linked.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{LinkedAccount, LinkedAs, RefreshTokens, Revised};
use time::OffsetDateTime;

use super::{AccountLinks, is_of};
use crate::orphans::may_be_named;

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

impl AccountLinks {
    /// Makes sure that what the named account has lent is there and stays, before what the former one had lent is forgotten. A process
    /// that was suspended between sealing the one and naming it may wake when a sweep has destroyed it, or is about to: then the
    /// former account, which works, gets its record back.
    pub(super) async fn require_kept(
        &self,
        (account, sealed_at): (&LinkedAccount, OffsetDateTime),
        former: Option<&LinkedAccount>,
    ) -> Result<(), Error> {
        // The record is written: where the stores do not say more, it may be good.
        let unknown = |error: Error| error.with_effect(Effect::Unknown).with_advice("check the account");
        let is_there = self.tokens.load(&account.link).await.map_err(unknown)?.is_some();
        if is_there && may_be_named(sealed_at, self.now()) {
            return Ok(());
        }
        self.put_back(account, former).await.map_err(unknown)?;
        self.forget(&account.link).await;
        Err(Error::new(
            ErrorKind::Conflict,
            "the link took so long that what the person has lent may have been swept away",
        )
        .with_field("link")
        .with_effect(Effect::None)
        .with_advice("look who is linked now, and link the account again"))
    }

    /// Writes the former record in the place of one whose link gives nothing, or removes that one if there was none.
    async fn put_back(&self, account: &LinkedAccount, former: Option<&LinkedAccount>) -> Result<(), Error> {
        let which = account.linked_as();
        for _ in 0..ATTEMPTS {
            let now = self.record(which).await?;
            let written = match (now, former) {
                (Some(now), Some(former)) if now.value.link == account.link => {
                    self.accounts.replace(former, now.revision).await.map(drop)
                }
                (Some(now), None) if now.value.link == account.link => {
                    self.accounts.remove(&which.document_id()?, now.revision).await
                }
                // Somebody has linked or unlinked since our record was written: theirs counts, and not the former one.
                (now, Some(former)) if now.as_ref().is_none_or(|now| now.value.link != former.link) => {
                    self.forget(&former.link).await;
                    return Ok(());
                }
                _ => return Ok(()),
            };
            match written {
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {}
                ended => return ended,
            }
        }
        Err(contended(which))
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
